"""Waiting for something that gives no event."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LONG_S = 90.0
"""How long a test waits for what must come. It decides nothing: what doesn't come on an idle machine never comes."""

Found = TypeVar("Found")


def await_true(condition: Callable[[], bool], what: str, timeout_s: float = LONG_S) -> None:
    """Ask again and again until it is so; fail when it isn't in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.01)


def await_equal(ask: Callable[[], Found], wanted: Found, timeout_s: float = LONG_S) -> None:
    """Ask again and again until the answer is the wanted one; fail with the last one when it isn't in time."""
    deadline = time.monotonic() + timeout_s
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found == wanted
