"""The log's lines and events, and the word to systemd."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from holdfast.model.operation import Event, EventType, LogLine
from holdfast.service.events import EventBus
from holdfast.service.log_stream import EventHandler, KeyValueFormatter
from holdfast.service.readiness import notify


def record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("x").makeRecord("x", level, "f", 1, message, (), None, extra=extra)
    made.created = 0.5
    return made


@pytest.mark.parametrize(
    ("message", "extra", "line"),
    [
        ("Ready", {}, "msg=Ready"),
        ("Two words", {"instance": "c1"}, 'msg="Two words" instance=c1'),
        ('a "b" \\', {}, 'msg="a \\"b\\" \\\\"'),
        ("forged\nlevel=error", {}, 'msg="forged\\nlevel=error"'),
        ("", {"n": 3}, 'msg="" n=3'),
    ],
)
def test_line(message: str, extra: dict[str, object], line: str) -> None:
    assert KeyValueFormatter().format(record(message, **extra)) == f"time=1970-01-01T00:00:00.500Z level=info {line}"


def test_traceback_follows() -> None:
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError as error:
        made = record("Broke", logging.ERROR)
        made.exc_info = (ZeroDivisionError, error, error.__traceback__)
    lines = KeyValueFormatter().format(made).splitlines()
    assert "level=error msg=Broke" in lines[0]
    assert lines[-1] == "ZeroDivisionError: by zero"


def test_records_become_events_and_publishing_does_not_log_itself() -> None:
    bus = EventBus()
    seen: list[Event] = []
    logger = logging.Logger("own")
    logger.addHandler(EventHandler(bus))

    def listen(event: Event) -> None:
        seen.append(event)
        logger.warning("heard")

    bus.subscribe(listen)
    logger.error("Broke: %s", "x", extra={"instance": "c1"})
    assert [event.body for event in seen] == [LogLine(level="error", message="Broke: x", context={"instance": "c1"})]
    assert seen[0].type is EventType.LOGGING
    assert seen[0].project is None


def test_listener_that_has_gone_does_not_stop_the_others() -> None:
    bus = EventBus()
    seen: list[Event] = []

    def gone(_: Event) -> None:
        raise RuntimeError("Event loop is closed")

    bus.subscribe(gone)
    leave = bus.subscribe(seen.append)
    bus.lifecycle(None, "default", "instance-created", "/1.0/instances/c1", **{"storage-pool": "p"})
    leave()
    bus.lifecycle(None, "default", "instance-deleted", "/1.0/instances/c1")
    assert len(seen) == 1


def test_systemd_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notify("READY=1")
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
        assert channel.recv(100) == b"READY=1"
