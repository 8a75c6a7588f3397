"""The server's log: lines of key=value on standard error, and the same as events for `monitor --type=logging`."""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Final

from holdfast.model.clock import Clock, SystemClock
from holdfast.model.operation import Event, LogLine
from holdfast.service.events import EventBus

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS: Final = {"CRITICAL": "error", "WARNING": "warning", "ERROR": "error", "INFO": "info", "DEBUG": "debug"}


class KeyValueFormatter(logging.Formatter):
    """One line per record: time, level, message, then what came as `extra`; a traceback follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        words = [f"time={at}", f"level={_level(record)}", f"msg={_quoted(record.getMessage())}"]
        words += [f"{key}={_quoted(value)}" for key, value in context_of(record).items()]
        line = " ".join(words)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class EventHandler(logging.Handler):
    """Publishes records as logging events; what publishing itself logs is left out, or it would never end."""

    def __init__(self, events: EventBus, clock: Clock | None = None) -> None:
        super().__init__()
        self._events, self._clock = events, clock or SystemClock()
        self._busy = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(self._busy, "is_publishing", False):
            return
        self._busy.is_publishing = True
        try:
            line = LogLine(level=_level(record), message=record.getMessage(), context=context_of(record))
            self._events.publish(Event(timestamp=self._clock.now(), project=None, body=line))
        finally:
            self._busy.is_publishing = False


def set_up_logging(events: EventBus, level: str = "INFO") -> None:
    """Send the log of this process to standard error and to the event stream."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(KeyValueFormatter())
    logging.basicConfig(level=level, handlers=[shown, EventHandler(events)], force=True)
    for noisy in ("alembic", "asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def context_of(record: logging.LogRecord) -> dict[str, str]:
    """Return what was given as `extra`."""
    return {key: str(value) for key, value in vars(record).items() if key not in _STANDARD_FIELDS}


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelname, record.levelname.lower())


def _quoted(value: str) -> str:
    if value and not any(character in ' "=\\' or not character.isprintable() for character in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped) + '"'
