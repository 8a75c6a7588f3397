"""Write an export file in LXD's own layout: whole and synced under its name, or not there at all.

| order | member                                   | from                         |
|-------|------------------------------------------|------------------------------|
| 1     | `backup/index.yaml`                      | the definition               |
| 2…    | `backup/snapshots/<name>/…`, oldest first | each snapshot's tree         |
| last  | `backup/container/…`                     | the instance's tree          |

Each tree begins with its directory (mode 0100) and a `backup.yaml` (mode 0400) that we write; one on disk is left out.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from holdfast.archive.definition import Definition, as_of_snapshot, to_config, without_expanded
from holdfast.archive.layout import BACKUP_YAML, INDEX, INDEX_CAP_BYTES, tree_prefix
from holdfast.archive.members import END, Kind, Member, padding
from holdfast.archive.packing import pack_entries
from holdfast.archive.reader import verify_export
from holdfast.model.errors import ArchiveError, BadRequestError, NoSpaceError, StorageError
from holdfast.model.storage import Pool
from holdfast.streams.compression import CompressedWriter, CompressionChoice
from holdfast.streams.copy import Cancelled, Progress, never, write_all
from holdfast.streams.growing import GrowingFile, GrowingSink
from holdfast.wire.backup_index import BackupConfig, BackupIndex, dump

PART_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class ExportTree:
    """One tree to export: the instance's (snapshot None) or a snapshot's; it must not change its place meanwhile."""

    snapshot: str | None
    path: Path


def write_export(
    target: Path,
    definition: Definition,
    pool: Pool,
    trees: Sequence[ExportTree],
    compression: CompressionChoice,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Write the file under its name and return its size, as `write_part` and `publish_part` do it."""
    part = target.with_name(target.name + PART_SUFFIX)
    size = write_part(part, definition, pool, trees, compression, now=now, progress=progress, cancelled=cancelled)
    publish_part(part, target)
    return size


def write_part(
    part: Path,
    definition: Definition,
    pool: Pool,
    trees: Sequence[ExportTree],
    compression: CompressionChoice,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Write, sync and verify the file; return its size. `progress` gets the bytes read so far; a failure leaves none.

    The definition's snapshots and the trees name the same snapshots in the same order, the main tree comes last.
    """
    try:
        return _write(part, definition, pool, trees, compression, now, progress, cancelled)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        if not isinstance(error, OSError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError(f"Writing the backup file failed: {os.strerror(error.errno)}") from error
        raise StorageError(f"Writing the backup file failed: {error}") from error


def publish_part(part: Path, target: Path) -> None:
    """Give the written file its name, for good; both are on the same file system."""
    part.rename(target)
    _sync_directory(target.parent)


def build_index(definition: Definition, pool: Pool) -> bytes:
    """Return `index.yaml`; raise if it would be larger than any reader takes."""
    index = BackupIndex(
        name=definition.instance.name,
        backend=pool.driver,
        pool=pool.name,
        snapshots=[snapshot.name for snapshot in definition.snapshots] or None,
        optimized=False,
        optimized_header=False,
        type=definition.instance.type.value,
        config=to_config(definition, pool),
    )
    document = dump(index)
    if len(document) > INDEX_CAP_BYTES and index.config is not None:
        index.config = without_expanded(index.config)
        document = dump(index)
    if len(document) > INDEX_CAP_BYTES:
        raise BadRequestError(
            f"The description of {len(definition.snapshots)} snapshots is larger than {INDEX_CAP_BYTES} bytes: "
            "delete some of them, or export with --instance-only"
        )
    return document


def _write(
    part: Path,
    definition: Definition,
    pool: Pool,
    trees: Sequence[ExportTree],
    compression: CompressionChoice,
    now: datetime,
    progress: Progress | None,
    cancelled: Cancelled,
) -> int:
    mtime_s = int(now.timestamp())
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0) as file:
        with _read_back(part, cancelled) as reader:
            sink = CompressedWriter(GrowingSink(file, reader), compression)
            _document(sink, INDEX, build_index(definition, pool), 0o644, mtime_s)
            done = 0
            for tree in trees:
                prefix = tree_prefix(tree.snapshot)
                top = Member(name=prefix.encode(), kind=Kind.DIRECTORY, mode=0o100, mtime_s=mtime_s)
                write_all(sink, top.encode())
                document = dump(_tree_config(definition, pool, tree.snapshot))
                _document(sink, f"{prefix}/{BACKUP_YAML}", document, 0o400, mtime_s)
                names = sorted(entry.name for entry in tree.path.iterdir() if entry.name != BACKUP_YAML)
                done += pack_entries(
                    tree.path, names, f"{prefix}/", sink, progress=_shifted(progress, done), cancelled=cancelled
                )
            write_all(sink, END)
            sink.finish()
            reader.complete()
            os.fsync(file.fileno())
        return sink.written_bytes


@contextlib.contextmanager
def _read_back(part: Path, cancelled: Cancelled) -> Iterator[GrowingFile]:
    """Read the file, while the body writes it, as an import would: what can't be read is no backup.

    The body ends by telling that the file is complete; after it the whole of it has been read well.
    """
    with GrowingFile(part) as reader, ThreadPoolExecutor(1, thread_name_prefix="export-check") as executor:
        checked = executor.submit(verify_export, reader, cancelled=cancelled)
        try:
            yield reader
        except BaseException:
            reader.abandon()
            raise
        try:
            checked.result()
        except ArchiveError as error:
            raise StorageError(f"The backup file can't be read back after it was written: {error}") from error


def _shifted(progress: Progress | None, done: int) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda count: report(done + count)


def _tree_config(definition: Definition, pool: Pool, snapshot_name: str | None) -> BackupConfig:
    if snapshot_name is None:
        return without_expanded(to_config(definition, pool))
    snapshot = next(each for each in definition.snapshots if each.name == snapshot_name)
    return to_config(as_of_snapshot(definition, snapshot), pool)


def _document(sink: CompressedWriter, name: str, document: bytes, mode: int, mtime_s: int) -> None:
    member = Member(name=name.encode(), kind=Kind.FILE, mode=mode, size_bytes=len(document), mtime_s=mtime_s)
    write_all(sink, member.encode())
    write_all(sink, document + padding(len(document)))


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
