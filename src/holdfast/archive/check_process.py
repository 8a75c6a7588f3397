"""A process of its own that reads an export as an import would: in a thread, Python's lock would make the writer wait.

Its exit code is 0 for a good file; else what is wrong stands on its standard output.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from typing import IO, Final

from holdfast.host.helper import start_helper
from holdfast.model.errors import ArchiveError, CancelledOperationError
from holdfast.streams.copy import Cancelled

LARGE_BYTES: Final = 8 * 1024 * 1024
"""A process needs some 200 ms to start, in which so much is read: a smaller file needs none."""
_LOOK_S: Final = 0.1


class CheckProcess:
    """One such process, running a module's `main`, which calls `judge`."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        stdin: int = subprocess.DEVNULL,
        pass_fds: Collection[int] = (),
    ) -> None:
        self._process = start_helper(
            module, arguments, stdin=stdin, stdout=subprocess.PIPE, pass_fds=pass_fds, with_libraries=True
        )

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe that it reads from."""
        assert self._process.stdin is not None, "started without stdin=PIPE"
        return self._process.stdin

    def await_verdict(self, cancelled: Cancelled) -> None:
        """Wait until all was read; raise `ArchiveError` if it is not what an import takes."""
        while True:
            try:
                output = self._process.communicate(timeout=_LOOK_S)[0]
                break
            except subprocess.TimeoutExpired:
                if cancelled():
                    raise CancelledOperationError("The operation was cancelled") from None
        if self._process.returncode:
            text = output.decode(errors="replace").strip()
            raise ArchiveError(text or f"the process that read it ended with {self._process.returncode}")

    def end(self) -> None:
        """End it, and wait until it is gone."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


def judge(read: Callable[[], object]) -> None:
    """Read, in the process; end it with what is wrong."""
    try:
        read()
    except ArchiveError as error:
        print(error)
        sys.exit(1)
