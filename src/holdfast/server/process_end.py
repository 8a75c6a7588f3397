"""Waiting for a process from the event loop, in a thread of its own: commands may run for days, and the threads of
requests are few."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Protocol

from holdfast.model.errors import HoldfastError, InternalError

_log = logging.getLogger(__name__)


class Waitable(Protocol):
    """What can be waited for, with an exit code."""

    def wait(self) -> int: ...


def end_of(process: Waitable) -> asyncio.Future[int]:
    """Return a future of the exit code."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[int] = loop.create_future()

    def succeed(code: int) -> None:
        if not outcome.done():
            outcome.set_result(code)

    def fail(error: HoldfastError) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    def wait() -> None:
        # A loop that has closed meanwhile (the server stopped) has nobody left who asks.
        with contextlib.suppress(RuntimeError):
            try:
                code = process.wait()
            except HoldfastError as error:
                loop.call_soon_threadsafe(fail, error)
            except Exception as error:  # noqa: BLE001 - the border of an operation: it must end, whatever happens
                _log.exception("Waiting for a command broke")
                loop.call_soon_threadsafe(fail, InternalError(f"Waiting for the command broke: {error}"))
            else:
                loop.call_soon_threadsafe(succeed, code)

    threading.Thread(target=wait, name="exec-wait", daemon=True).start()
    return outcome
