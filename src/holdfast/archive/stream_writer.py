"""Write an export into a stream that somebody reads at once: nothing of it is kept on a disk."""

from __future__ import annotations

from datetime import datetime

from holdfast.archive.content import ExportContent, write_content
from holdfast.archive.stream_check import StreamCheck
from holdfast.model.errors import ArchiveError, StorageError
from holdfast.streams.compression import CompressedWriter, CompressionChoice
from holdfast.streams.copy import Cancelled, Progress, Sink, never, write_all


def stream_export(
    sink: Sink,
    content: ExportContent,
    compression: CompressionChoice,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> None:
    """Write the whole compressed file. What raises here is no whole file, whatever has been written of it."""
    with StreamCheck(cancelled) as check:
        compressed = CompressedWriter(_Both(check, sink), compression)
        write_content(compressed, content, now=now, progress=progress, cancelled=cancelled)
        compressed.finish()
        try:
            check.finish()
        except ArchiveError as error:
            raise StorageError(f"The export can't be read back: {error}") from error


class _Both:
    """Hands everything to two sinks."""

    def __init__(self, first: Sink, second: Sink) -> None:
        self._sinks = (first, second)

    def write(self, data: memoryview | bytes, /) -> int:
        for sink in self._sinks:
            write_all(sink, data)
        return len(data)
