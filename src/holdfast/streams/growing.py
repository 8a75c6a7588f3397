"""Read a file while it is being written by another thread, as if it were whole already."""

from __future__ import annotations

import io
import threading
from pathlib import Path

from holdfast.model.errors import CancelledOperationError
from holdfast.streams.copy import Sink


class GrowingFile(io.FileIO):
    """The reading side; `read` waits for bytes that are still to come. The writing side tells how far it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._size_bytes = 0
        self._is_whole = self._is_abandoned = False
        self._changed = threading.Condition()

    def grow(self, count: int) -> None:
        """Tell that so many bytes more are written."""
        with self._changed:
            self._size_bytes += count
            self._changed.notify()

    def complete(self) -> None:
        """Tell that nothing more will be written."""
        with self._changed:
            self._is_whole = True
            self._changed.notify()

    def abandon(self) -> None:
        """Tell that the file will never be whole: a reader gets an error at once."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify()

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, fewer only at the end of the whole file."""
        wanted = None if size is None or size < 0 else self.tell() + size
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_whole or self._is_abandoned or (wanted is not None and wanted <= self._size_bytes)
            )
            if self._is_abandoned:
                raise CancelledOperationError("The file is not written any further")
        return super().read(size) or b""


class GrowingSink:
    """The writing side: hands bytes on to the file, and tells the reader."""

    def __init__(self, sink: Sink, reader: GrowingFile) -> None:
        self._sink, self._reader = sink, reader

    def write(self, data: memoryview | bytes, /) -> int:
        taken = self._sink.write(data)
        count = len(data) if taken is None else taken
        self._reader.grow(count)
        return count
