"""What the streams of all drivers share: pipes as sources and sinks, and failures of receivers as refusals."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import IO

from holdfast.host.failures import is_full
from holdfast.model.errors import ArchiveError, CommandError
from holdfast.storage.driver import SentStream
from holdfast.streams.copy import fill


class PipeStream(SentStream):
    """The output of a process that sends, as long as was found before."""

    def __init__(self, source: IO[bytes], size_bytes: int) -> None:
        self._source, self.size_bytes = source, size_bytes

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer, as far as the stream goes: what follows costs as much for a small piece as for a large."""
        return fill(lambda part: os.readv(self._source.fileno(), [part]), buffer)


class PipeSink:
    """The input of a process that receives."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, data: memoryview | bytes, /) -> int:
        return os.write(self._stream.fileno(), data)


@contextlib.contextmanager
def refusing(driver: str) -> Iterator[None]:
    """Raise `ArchiveError` where a receiver fails for another reason than a full pool: it didn't like the stream."""
    try:
        yield
    except BrokenPipeError as error:
        raise ArchiveError(f"Receiving a {driver} stream stopped early") from error
    except CommandError as error:
        if is_full(error):
            raise
        lines = error.stderr.strip().splitlines()
        raise ArchiveError(
            f"A {driver} stream in the backup can't be received: {lines[-1] if lines else error}"
        ) from error
