"""Two ends of a connection in memory, in the place of websockets: for trees that stay on this machine."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from holdfast.model.errors import MigrationError

_MOST_FRAMES: Final = 32
"""What may wait for the reader: the writer waits then."""


class CutError(MigrationError):
    """Tell that one side has given up; what for, it says itself."""

    def __init__(self) -> None:
        super().__init__("The connection was cut")


class MemorySocket:
    """One end, a `channels.Socket`; `pair` makes two. A cut is seen by both."""

    def __init__(self) -> None:
        self.other = self
        self._frames: deque[bytes | str | None] = deque()
        self._changed = threading.Condition()
        self._is_cut = False

    def send(self, message: bytes | str) -> None:
        if self._is_cut:
            raise CutError
        self.other._take(message)

    def receive(self) -> bytes | str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_cut)
            if not self._frames:
                raise CutError
            self._changed.notify_all()
            return self._frames.popleft()

    def round_trip_s(self) -> float | None:
        return 0.0

    def close(self) -> None:
        self.other._take(None)

    def abort(self) -> None:
        for end in (self, self.other):
            with end._changed:
                end._is_cut = True
                end._changed.notify_all()

    def _take(self, message: bytes | str | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._frames) < _MOST_FRAMES or self._is_cut)
            self._frames.append(message)
            self._changed.notify_all()


def pair() -> tuple[MemorySocket, MemorySocket]:
    """Return both ends of a connection."""
    one, other = MemorySocket(), MemorySocket()
    one.other, other.other = other, one
    return one, other
