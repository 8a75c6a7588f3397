"""Write an export file: whole and synced under its name, or not there at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from holdfast.archive.content import ExportContent, write_content
from holdfast.archive.read_back import ReadBack
from holdfast.host.kernel import start_writing_out
from holdfast.model.errors import ArchiveError, NoSpaceError, StorageError
from holdfast.streams.compression import CompressedWriter, CompressionChoice
from holdfast.streams.copy import Cancelled, Progress, never
from holdfast.streams.growing import GrowingSink

PART_SUFFIX = ".part"
_WRITTEN_OUT_BYTES: Final = 16 * 1024 * 1024


def write_export(
    target: Path,
    content: ExportContent,
    compression: CompressionChoice,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Write the file under its name and return its size, as `write_part` and `publish_part` do it."""
    part = target.with_name(target.name + PART_SUFFIX)
    size = write_part(part, content, compression, now=now, progress=progress, cancelled=cancelled)
    publish_part(part, target)
    return size


def write_part(
    part: Path,
    content: ExportContent,
    compression: CompressionChoice,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Write, sync and verify the file; return its size. `progress` gets bytes read so far; a failure leaves none."""
    try:
        with (
            _write_errors(),
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0) as file,
        ):
            return write_open(
                file, content, compression, now=now, progress=progress, cancelled=cancelled, is_read_again=True
            )
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        raise


def publish_part(part: Path, target: Path) -> None:
    """Give the written file its name, for good; both are on the same file system."""
    part.rename(target)
    _sync_directory(target.parent)


def write_open(
    file: io.FileIO,
    content: ExportContent,
    compression: CompressionChoice,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
    is_read_again: bool = False,
) -> int:
    """Write, sync and verify a file that is open, from its beginning; return its size. What raises leaves no whole one.

    `progress` gets bytes of trees that were read so far. `is_read_again`: somebody will want the file soon.
    """
    place = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    with _write_errors(), ReadBack(place, cancelled, is_read_again=is_read_again) as reading:
        sink = CompressedWriter(GrowingSink(_WrittenOut(file), reading), compression)
        write_content(sink, content, now=now, progress=progress, cancelled=cancelled)
        sink.finish()
        reading.complete()
        os.fsync(file.fileno())
        try:
            reading.check()
        except ArchiveError as error:
            raise StorageError(f"The backup file can't be read back after it was written: {error}") from error
        return sink.written_bytes


@contextlib.contextmanager
def _write_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError(f"Writing the backup file failed: {os.strerror(error.errno)}") from error
        raise StorageError(f"Writing the backup file failed: {error}") from error


class _WrittenOut:
    """Has the disk begin while the file is made: the sync at the end waits for the rest only."""

    def __init__(self, file: io.FileIO) -> None:
        self._file, self._held_bytes = file, 0

    def write(self, data: memoryview | bytes, /) -> int:
        taken = self._file.write(data)
        self._held_bytes += taken
        if self._held_bytes >= _WRITTEN_OUT_BYTES:
            self._held_bytes = 0
            start_writing_out(self._file.fileno())
        return taken


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
