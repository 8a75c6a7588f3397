"""The user's terminal: its size, raw mode, and telling a session when it changes."""

from __future__ import annotations

import os
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from holdfast.client.sessions import Session

PASSED_ON = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def size_of(descriptor: int) -> tuple[int, int]:
    """Return columns and rows; 80 by 24 where there is no terminal."""
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return 80, 24
    return size.columns or 80, size.lines or 24


@contextmanager
def raw_mode(descriptor: int) -> Iterator[None]:
    """Pass every key on as it is typed; the terminal is put back at the end, whatever happens."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed already is kept
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal itself may be gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def passing_signals(
    session: Session, *, has_terminal: bool, on_signal: Callable[[int], None] | None = None
) -> Iterator[None]:
    """Tell the command inside about window sizes and about signals that would end us, or `on_signal` instead."""

    def pass_on(number: int, _: object) -> None:
        (on_signal or session.signal)(number)

    def resize(*_: object) -> None:
        session.resize(*size_of(1))

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    if has_terminal:
        before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
