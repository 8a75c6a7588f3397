"""Read an export that is kept nowhere, while its bytes go by, as an import would.

A process of its own (`check_process.py`) gets a copy of what goes by through a pipe, its standard input. What is so
small that the process would need longer to start is read at its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from holdfast.archive.check_process import LARGE_BYTES, CheckProcess, judge
from holdfast.archive.reader import verify_export
from holdfast.streams.copy import BUFFER_BYTES, Cancelled

_MODULE: Final = "holdfast.archive.stream_check"


class StreamCheck:
    """The writer's side, a sink. A context manager: at its end nothing runs any more."""

    def __init__(self, cancelled: Cancelled) -> None:
        self._cancelled = cancelled
        self._seen = bytearray()
        self._process: CheckProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.end()

    def write(self, data: memoryview | bytes, /) -> int:
        """Look at the next bytes; one that has found a fault takes them and says so at the end."""
        if self._process is not None:
            self._hand_on(data)
            return len(data)
        self._seen += data
        if len(self._seen) >= LARGE_BYTES:
            self._process = CheckProcess(_MODULE, stdin=subprocess.PIPE)
            fcntl.fcntl(self._process.stdin.fileno(), fcntl.F_SETPIPE_SZ, BUFFER_BYTES)
            seen, self._seen = self._seen, bytearray()
            self._hand_on(seen)
        return len(data)

    def finish(self) -> None:
        """Wait until all of it was read; raise `ArchiveError` if it is not what an import takes."""
        if self._process is None:
            verify_export(io.BytesIO(self._seen), cancelled=self._cancelled)
            return
        self._process.await_verdict(self._cancelled)

    def _hand_on(self, data: memoryview | bytes | bytearray) -> None:
        assert self._process is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(data)


def main(_arguments: Sequence[str]) -> None:
    """Read standard input."""
    with os.fdopen(0, "rb", 0) as file:
        judge(lambda: verify_export(file))
