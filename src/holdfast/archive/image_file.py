"""Image files: one tarball with everything, or metadata and root file system apart. Packed and unpacked here.

Unpacking gives `metadata.yaml`, `rootfs/` and `templates/` below the target, checked and confined like an import. The
target directory must exist and be empty.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from holdfast.archive.lost_attributes import LostAttribute
from holdfast.archive.members import END, Kind, Member, padding
from holdfast.archive.packing import pack_entries
from holdfast.archive.tarfilter import TOP_LEVEL, TreeFilter
from holdfast.archive.tarstream import TarStream, open_tar
from holdfast.archive.unpack import TreeUnpacker, unpacking
from holdfast.host.confine import INPUT, confined
from holdfast.host.processes import PIPE
from holdfast.model.errors import ArchiveError, CancelledOperationError, CommandError, NoSpaceError
from holdfast.streams.compression import (
    CompressedWriter,
    CompressionChoice,
)
from holdfast.streams.copy import Cancelled, Progress, never, write_all

METADATA_CAP_BYTES: Final = 1024 * 1024
_METADATA: Final = b"metadata.yaml"
_SQUASHFS_MAGIC: Final = b"hsqs"


def pack(
    tree: Path,
    metadata: bytes,
    out: BinaryIO,
    compression: CompressionChoice,
    *,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> None:
    """Write a unified image: `metadata` as metadata.yaml, then `rootfs` and `templates` of the tree.

    `progress` gets the bytes of plain tar written so far. On any failure what `out` got is worthless.
    """
    sink = CompressedWriter(out, compression, is_sealed=False)
    write_all(sink, Member(name=_METADATA, kind=Kind.FILE, size_bytes=len(metadata)).encode())
    write_all(sink, metadata + padding(len(metadata)))
    names = [name for name in ("rootfs", "templates") if (tree / name).is_dir()]
    pack_entries(tree, names, "", sink, progress=progress, cancelled=cancelled)
    write_all(sink, END)
    sink.finish()


def read_metadata(path: Path) -> bytes:
    """Return metadata.yaml of a unified image or of a split image's metadata file; at most 1 MiB."""
    if is_squashfs(path):
        return _squashfs_metadata(path)
    with path.open("rb") as file:
        stream = open_tar(file, None)
        for member in stream:
            if _below(b"", member.name) in (_METADATA, b"./" + _METADATA):
                if member.kind is not Kind.FILE:
                    raise ArchiveError("metadata.yaml of the image is no plain file")
                return stream.read_data(METADATA_CAP_BYTES, "metadata.yaml")
    raise ArchiveError("Metadata tarball is missing metadata.yaml")


def is_squashfs(path: Path) -> bool:
    """Tell a squashfs file by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(_SQUASHFS_MAGIC)) == _SQUASHFS_MAGIC


def unpack_unified(
    path: Path,
    target: Path,
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> None:
    """Unpack a file that holds everything; `limit_bytes` bounds the unpacked size, `progress` gets file bytes read."""
    if is_squashfs(path):
        _unpack_squashfs(path, target)
    else:
        _unpack_tar(path, target, b"", limit_bytes, progress, cancelled)
    check_top_level(target)
    if not (target / "rootfs").is_dir():
        raise ArchiveError('The image holds no directory "rootfs"')


def unpack_split(
    metadata_path: Path,
    rootfs_path: Path,
    target: Path,
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> None:
    """Unpack the metadata tarball and the root file system: squashfs, or a tarball whose top is the root directory."""
    _unpack_tar(metadata_path, target, b"", limit_bytes, None, cancelled)
    rootfs = target / "rootfs"
    if rootfs.exists():
        raise ArchiveError('The metadata file of a split image may not hold "rootfs"')
    rootfs.mkdir()
    rootfs.chmod(0o755)  # of a tarball without an entry for its top
    if is_squashfs(rootfs_path):
        _unpack_squashfs(rootfs_path, rootfs)
    else:
        _unpack_tar(rootfs_path, target, b"rootfs/", limit_bytes, progress, cancelled)


def _unpack_tar(
    path: Path,
    target: Path,
    prefix: bytes,
    limit_bytes: int | None,
    progress: Progress | None,
    cancelled: Cancelled,
) -> None:
    with path.open("rb") as file:

        def tick() -> None:
            if cancelled():
                raise CancelledOperationError("The operation was cancelled")
            if progress is not None:
                progress(os.lseek(file.fileno(), 0, os.SEEK_CUR))

        with unpacking(target, tick) as unpacker:
            _unpack_entries(open_tar(file, limit_bytes), unpacker, prefix)


def _unpack_entries(stream: TarStream, unpacker: TreeUnpacker, prefix: bytes) -> None:
    tree = TreeFilter("the image")
    for member in stream:
        target = _below(prefix, member.target) if member.kind is Kind.HARD_LINK else member.target
        admitted = tree.admit(member, _below(prefix, member.name), target)
        if admitted is not None:
            unpacker.add(admitted, stream)


def _below(prefix: bytes, name: bytes) -> bytes:
    """Put a relative name below the prefix; an absolute one stays what it is, and the filter refuses it."""
    return name if name.startswith(b"/") else prefix + name


def check_top_level(target: Path) -> None:
    """Refuse a tree whose top holds a link or special file where the host expects a plain directory or file."""
    for name, kind in TOP_LEVEL.items():
        path = target / name.decode()
        with contextlib.suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if not (stat.S_ISDIR(mode) if kind is Kind.DIRECTORY else stat.S_ISREG(mode)):
                raise ArchiveError(f'Entry "{path.name}" of the image must be a {kind.name.lower()}')


def _unpack_squashfs(path: Path, target: Path) -> None:
    arguments = ["-no-progress", "-quiet", "-force", "-dest", ".", INPUT]
    try:
        with confined("unsquashfs", arguments, target, given=path):
            pass
    except CommandError as error:
        lost = LostAttribute.of_unsquashfs(error.stderr)
        if lost is not None:
            raise lost.error(target) from error
        if "No space left" in error.stderr:
            raise NoSpaceError(f"Unpacking the image into {target} failed: No space left on device") from error
        raise ArchiveError(f"The squashfs file can't be unpacked: {error.stderr.strip()[-500:]}") from error


def _squashfs_metadata(path: Path) -> bytes:
    with tempfile.TemporaryDirectory() as empty:
        try:
            with confined(
                "unsquashfs", ["-cat", INPUT, "metadata.yaml"], Path(empty), given=path, stdout=PIPE
            ) as process:
                data = process.stdout.read(METADATA_CAP_BYTES + 1)
        except CommandError as error:
            raise ArchiveError("Metadata tarball is missing metadata.yaml") from error
    if len(data) > METADATA_CAP_BYTES:
        raise ArchiveError(f"metadata.yaml is larger than {METADATA_CAP_BYTES} bytes")
    return data
