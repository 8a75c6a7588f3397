"""Read a file while it is being written by another thread, as if it were whole already."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import BinaryIO, Protocol

from holdfast.model.errors import CancelledOperationError, StorageError
from holdfast.streams.copy import Sink


class Growth:
    """How far the writing of a file is. Thread-safe; the writing side tells, any number of readers wait."""

    def __init__(self, patience_s: float | None = None) -> None:
        """`patience_s` bounds how long a reader waits while nothing comes."""
        self._patience_s = patience_s
        self._size_bytes = 0
        self._is_whole = self._is_abandoned = False
        self._changed = threading.Condition()

    def grow(self, count: int) -> None:
        """Tell that so many bytes more are written."""
        with self._changed:
            self._size_bytes += count
            self._changed.notify_all()

    def complete(self) -> None:
        """Tell that nothing more will be written."""
        with self._changed:
            self._is_whole = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Tell that the file will never be whole: a reader gets an error at once."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()

    def wait_for(self, size_bytes: int | None) -> None:
        """Wait until the file has this size (None: all of it), or is whole.

        Raises `CancelledOperationError` when it was abandoned, `StorageError` when nothing came for too long.
        """
        with self._changed:
            while not (
                self._is_whole or self._is_abandoned or (size_bytes is not None and size_bytes <= self._size_bytes)
            ):
                before = self._size_bytes
                is_in_time = self._changed.wait(self._patience_s)
                if not is_in_time and self._size_bytes == before and not (self._is_whole or self._is_abandoned):
                    raise StorageError(f"Nothing of the file has come for {self._patience_s:.0f} s")
            if self._is_abandoned:
                raise CancelledOperationError("The file broke off before its end")


class GrowingFile(io.FileIO):
    """The reading side; `read` waits for bytes that are still to come."""

    def __init__(self, path: Path, growth: Growth | None = None) -> None:
        super().__init__(path, "rb")
        self.growth = Growth() if growth is None else growth

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, fewer only at the end of the whole file."""
        self.growth.wait_for(None if size is None or size < 0 else self.tell() + size)
        return super().read(size) or b""

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer, less of it only at the end of the whole file."""
        self.growth.wait_for(self.tell() + memoryview(buffer).nbytes)
        return super().readinto(buffer) or 0


class Grows(Protocol):
    """Who wants to know how far the writing is."""

    def grow(self, count: int) -> None: ...


class GrowingSink:
    """The writing side: hands bytes on to the file, and tells the reader."""

    def __init__(self, sink: Sink, growth: Grows) -> None:
        self._sink, self._growth = sink, growth

    def write(self, data: memoryview | bytes, /) -> int:
        taken = self._sink.write(data)
        count = len(data) if taken is None else taken
        self._growth.grow(count)
        return count


class ArrivingFile:
    """A file that may still be on its way here; who has it removes it. `expected_bytes` is 0 where nobody knows."""

    def __init__(self, path: Path, *, growth: Growth | None = None, expected_bytes: int = 0) -> None:
        """Without `growth` the file is there as a whole."""
        self.path, self._growth, self.is_removed = path, growth, False
        self.expected_bytes = expected_bytes if growth is not None else path.stat().st_size

    def open(self) -> BinaryIO:
        """Open it, at its beginning."""
        return self.path.open("rb", buffering=0) if self._growth is None else GrowingFile(self.path, self._growth)

    def remove(self) -> None:
        """Remove it; idempotent. What is open can be read further, and what still comes of it is of no use."""
        self.is_removed = True
        self.path.unlink(missing_ok=True)


class LentFile(ArrivingFile):
    """A whole file that is somebody else's: removing it closes the descriptor that it was lent by."""

    def __init__(self, descriptor: int) -> None:
        """Own the descriptor."""
        self._descriptor = descriptor
        super().__init__(Path(f"/proc/self/fd/{descriptor}"))

    def open(self) -> BinaryIO:
        if self.is_removed:
            raise StorageError("The file that was lent was given back already")
        return super().open()

    def remove(self) -> None:
        if not self.is_removed:
            self.is_removed = True
            os.close(self._descriptor)
