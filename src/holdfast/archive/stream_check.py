"""Read an export that is kept nowhere, while its bytes go by, as an import would.

A process of its own gets a copy of what goes by through a pipe, its standard input: in a thread, Python's lock would
make the writer wait at each step. What is so small that the process would need longer to start is read at its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

from holdfast.archive.reader import verify_export
from holdfast.host.helper import start_helper
from holdfast.model.errors import ArchiveError, CancelledOperationError
from holdfast.streams.copy import BUFFER_BYTES, Cancelled

_MODULE: Final = "holdfast.archive.stream_check"
_LARGE_BYTES: Final = 8 * 1024 * 1024
"""A process needs some 200 ms to start, in which so much is read."""
_LOOK_S: Final = 0.1


class StreamCheck:
    """The writer's side, a sink. A context manager: at its end nothing runs any more."""

    def __init__(self, cancelled: Cancelled) -> None:
        self._cancelled = cancelled
        self._seen = bytearray()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(BrokenPipeError):
                self._process.communicate()

    def write(self, data: memoryview | bytes, /) -> int:
        """Look at the next bytes; one that has found a fault takes them and says so at the end."""
        if self._process is not None:
            self._hand_on(data)
            return len(data)
        self._seen += data
        if len(self._seen) >= _LARGE_BYTES:
            self._process = start_helper(_MODULE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, with_libraries=True)
            assert self._process.stdin is not None
            fcntl.fcntl(self._process.stdin.fileno(), fcntl.F_SETPIPE_SZ, BUFFER_BYTES)
            seen, self._seen = self._seen, bytearray()
            self._hand_on(seen)
        return len(data)

    def finish(self) -> None:
        """Wait until all of it was read; raise `ArchiveError` if it is not what an import takes."""
        process = self._process
        if process is None:
            verify_export(io.BytesIO(self._seen), cancelled=self._cancelled)
            return
        while True:
            try:
                output = process.communicate(timeout=_LOOK_S)[0]
                break
            except subprocess.TimeoutExpired:
                if self._cancelled():
                    raise CancelledOperationError("The operation was cancelled") from None
        if process.returncode:
            text = output.decode(errors="replace").strip()
            raise ArchiveError(text or f"the process that read it ended with {process.returncode}")

    def _hand_on(self, data: memoryview | bytes | bytearray) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(data)


class _Passing:
    """A stream of which only the beginning, all that was asked for first, can be read twice."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head = b""
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        if not self._head:
            self._head = self._file.read(size)
            while 0 < len(self._head) < size and (more := self._file.read(size - len(self._head))):
                self._head += more
        if self._position < len(self._head):
            data = self._head[self._position :][: None if size < 0 else size]
        else:
            data = self._file.read(size)
        self._position += len(data)
        return data

    def seek(self, position: int, /) -> int:
        if self._position > len(self._head):
            raise io.UnsupportedOperation("The beginning has gone by")
        self._position = position
        return position


def main(_arguments: Sequence[str]) -> None:
    """Read standard input; exit with 0 if it is a good export, else say what is wrong on standard output."""
    try:
        with os.fdopen(0, "rb", buffering=0) as file:
            verify_export(cast(BinaryIO, _Passing(cast(BinaryIO, file))))
    except ArchiveError as error:
        print(error)
        sys.exit(1)
