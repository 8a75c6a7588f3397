"""A stream whose first bytes can be looked at before it is read: a pipe can't go back."""

from __future__ import annotations

import io
from typing import Protocol


class Readable(Protocol):
    """Gives at most so many bytes, all of the rest for -1, and none at the end."""

    def read(self, size: int = -1, /) -> bytes: ...


class Headed:
    """Reads the head at once, however small the pieces in which it comes, and gives it again before all else."""

    def __init__(self, source: Readable, head_bytes: int) -> None:
        self._source = source
        found = b""
        while len(found) < head_bytes and (more := source.read(head_bytes - len(found))):
            found += more
        self.head = self._rest = found

    def read(self, size: int = -1, /) -> bytes:
        if not self._rest:
            return self._source.read(size)
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return taken + self._source.read() if size < 0 else taken

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start as far as it can be; return 0 at the end."""
        if not self._rest:
            return read_into(self._source, buffer)
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def read_into(source: Readable, buffer: memoryview) -> int:
    """Read into a place that is there already, where the source can do that; return how much, 0 at the end."""
    if isinstance(source, Headed | io.RawIOBase | io.BufferedIOBase):
        return source.readinto(buffer) or 0
    data = source.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)
