"""Let the disk work on large files of a tree while the rest is unpacked: the sync at the end has less to do then."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Final

from holdfast.host.beneath import open_file_beneath
from holdfast.host.writing_out import LARGE_BYTES, WritingOut

_STEP_BYTES: Final = 32 * 1024 * 1024
"""A file that is larger is begun with before its end."""


class EarlyWriting:
    """Follows what is handed to the program that unpacks, which is behind by no more than `lag_bytes`."""

    def __init__(self, root: int, lag_bytes: int, out: WritingOut) -> None:
        self._root, self._lag_bytes, self._out = root, lag_bytes, out
        self._handed_bytes = 0
        self._complete: deque[tuple[bytes, int]] = deque()
        self._name, self._began_at, self._next_bytes = b"", 0, 0

    def begins(self, name: bytes) -> None:
        """Note that what is handed over from now on is of this file; b"" for what is no file."""
        self._name, self._began_at = name, self._handed_bytes
        self._next_bytes = self._handed_bytes + _STEP_BYTES

    def ends(self) -> None:
        if self._name and self._handed_bytes - self._began_at >= LARGE_BYTES:
            self._complete.append((self._name, self._handed_bytes + self._lag_bytes))
        self._name = b""

    def goes_on(self, name: bytes, count: int) -> None:
        """Note so many bytes of a file, where its beginning and end aren't told."""
        if name != self._name:
            self.ends()
            self.begins(name)
        self.handed(count)

    def handed(self, count: int) -> None:
        """Note that so many more bytes were handed over."""
        self._handed_bytes += count
        while self._complete and self._complete[0][1] <= self._handed_bytes:
            self._begin(self._complete.popleft()[0])
        if self._name and self._handed_bytes >= self._next_bytes:
            self._begin(self._name)
            self._next_bytes = self._handed_bytes + _STEP_BYTES

    def _begin(self, name: bytes) -> None:
        """Begin with a file; what is not there (yet), or is none, is passed over: the sync takes all."""
        with contextlib.suppress(OSError):
            descriptor = open_file_beneath(self._root, name)
            try:
                self._out.begin(descriptor, os.fstat(descriptor).st_size)
            finally:
                os.close(descriptor)
