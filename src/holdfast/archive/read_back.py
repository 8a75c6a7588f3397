"""Read an export file, while it is written, as an import would: what can't be read is no backup.

A large file is read by a process of its own (`check_process.py`). What the writer tells it, through a pipe, is how many
bytes are written, each time as eight bytes (little endian); all bits set say that the file is whole. A pipe that ends
earlier ends the process.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from holdfast.archive.check_process import LARGE_BYTES, CheckProcess, judge
from holdfast.archive.reader import verify_export
from holdfast.streams.copy import Cancelled
from holdfast.streams.growing import GrowingFile

_MODULE: Final = "holdfast.archive.read_back"
_STEP_BYTES: Final = 1024 * 1024
_MESSAGE_BYTES: Final = 8
_WHOLE: Final = 2**64 - 1
_DROPPED_BYTES: Final = 16 * 1024 * 1024
_ONCE: Final = "once"


class ReadBack:
    """The writer's side. A context manager: at its end nothing runs any more."""

    def __init__(self, path: Path, cancelled: Cancelled, *, is_read_again: bool = True) -> None:
        """`is_read_again`: somebody will want the file soon, so it shall stay in the kernel's cache."""
        self._path, self._cancelled, self._is_read_again = path, cancelled, is_read_again
        self._size_bytes = self._told_bytes = 0
        self._process: CheckProcess | None = None
        self._pipe = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
        if self._process is not None:
            self._process.end()

    def grow(self, count: int) -> None:
        """Tell that so many bytes more are written."""
        self._size_bytes += count
        if self._process is None and self._size_bytes >= LARGE_BYTES:
            self._start()
        if self._process is not None and self._size_bytes - self._told_bytes >= _STEP_BYTES:
            self._tell(self._size_bytes)

    def complete(self) -> None:
        """Tell that all of the file is written."""
        if self._process is not None:
            os.set_blocking(self._pipe, True)
            self._tell(_WHOLE)

    def check(self) -> None:
        """Wait until all of it was read; raise `ArchiveError` if it is not what an import takes."""
        if self._process is None:
            with self._path.open("rb", buffering=0) as file:
                verify_export(file, cancelled=self._cancelled)
            return
        self._process.await_verdict(self._cancelled)

    def _start(self) -> None:
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(self._pipe, False)
            arguments = [str(self._path), str(reading), *([] if self._is_read_again else [_ONCE])]
            self._process = CheckProcess(_MODULE, arguments, pass_fds=[reading])
        finally:
            os.close(reading)

    def _tell(self, size_bytes: int) -> None:
        """Write the message; one that finds no room is made up for by the next."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._pipe, size_bytes.to_bytes(_MESSAGE_BYTES, "little"))
            self._told_bytes = size_bytes


def main(arguments: Sequence[str]) -> None:
    """Read the file (the first argument) while the pipe (the second) tells of its growth."""
    path, pipe, *how = arguments
    with (_ReadOnce if _ONCE in how else GrowingFile)(Path(path)) as file:
        threading.Thread(target=_follow, args=(int(pipe), file), daemon=True).start()
        judge(lambda: verify_export(file))


class _ReadOnce(GrowingFile):
    """Takes what was read out of the kernel's cache: used again for what is written next, memory costs less than new.

    What isn't on the disk by then goes with the next piece.
    """

    _dropped_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._drop()
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        count = super().readinto(buffer)
        self._drop()
        return count

    def _drop(self) -> None:
        read_bytes = self.tell()
        if read_bytes - self._dropped_bytes >= _DROPPED_BYTES:
            begin = max(self._dropped_bytes - _DROPPED_BYTES, 0)
            os.posix_fadvise(self.fileno(), begin, read_bytes - begin, os.POSIX_FADV_DONTNEED)
            self._dropped_bytes = read_bytes


def _follow(pipe: int, file: GrowingFile) -> None:
    known = 0
    with os.fdopen(pipe, "rb") as messages:
        while len(message := messages.read(_MESSAGE_BYTES)) == _MESSAGE_BYTES:
            size_bytes = int.from_bytes(message, "little")
            if size_bytes == _WHOLE:
                file.growth.complete()
                return
            file.growth.grow(size_bytes - known)
            known = size_bytes
    os._exit(1)
