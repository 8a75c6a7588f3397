"""Move bytes between files and descriptors through one buffer of fixed size, with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from holdfast.model.errors import CancelledOperationError

BUFFER_BYTES: Final = 1024 * 1024
"""Large enough that the cost per call vanishes, small enough that several streams stay in the cache."""

Progress = Callable[[int], None]
Cancelled = Callable[[], bool]


class Source(Protocol):
    """Where bytes come from: fills the buffer as far as it can, 0 at the end."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


class Sink(Protocol):
    """Where bytes go; may take fewer than it was given and says how many."""

    def write(self, data: memoryview | bytes, /) -> int | None: ...


def never() -> bool:
    """Say that nobody cancelled."""
    return False


def untold(_: int) -> None:
    """Tell nobody how far it is."""


def write_all(sink: Sink, data: memoryview | bytes) -> None:
    """Write every byte, however small the pieces are that the sink takes."""
    left = memoryview(data)
    while left:
        taken = sink.write(left)
        left = left[len(left) if taken is None else taken :]


def fill(read: Callable[[memoryview], int], buffer: memoryview) -> int:
    """Read until the buffer is full, or the source ends; return how much came, however small the pieces are."""
    filled = 0
    while filled < len(buffer) and (count := read(buffer[filled:])):
        filled += count
    return filled


def pump(
    source: Source,
    sink: Sink,
    *,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Copy until the source ends and return the number of bytes; `progress` gets the bytes moved so far."""
    buffer = memoryview(bytearray(BUFFER_BYTES))
    moved = 0
    while count := source.readinto(buffer):
        if cancelled():
            raise CancelledOperationError("Operation cancelled")
        write_all(sink, buffer[:count])
        moved += count
        if progress is not None:
            progress(moved)
    return moved
