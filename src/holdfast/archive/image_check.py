"""Read an image file from end to end before it is taken in: nothing is written, every rule of unpacking is applied."""

from __future__ import annotations

import tempfile
from pathlib import Path

from holdfast.archive.image_file import is_squashfs
from holdfast.archive.members import Kind
from holdfast.archive.tarfilter import TreeFilter
from holdfast.archive.tarstream import open_tar
from holdfast.host.confine import INPUT, confined
from holdfast.model.errors import ArchiveError, CancelledOperationError, CommandError
from holdfast.streams.copy import Cancelled


def check_image(main: Path, rootfs: Path | None, cancelled: Cancelled) -> None:
    """Raise `ArchiveError` for a file that is cut short, damaged, or holds what may not be unpacked."""
    has_rootfs = _check(main, b"", cancelled)
    if rootfs is not None:
        if has_rootfs:
            raise ArchiveError('The metadata file of a split image may not hold "rootfs"')
        has_rootfs = _check(rootfs, b"rootfs/", cancelled)
    if not has_rootfs:
        raise ArchiveError('The image holds no directory "rootfs"')


def _check(path: Path, prefix: bytes, cancelled: Cancelled) -> bool:
    """Check one file; tell whether the tree it unpacks to has, or will have, a root file system."""
    if is_squashfs(path):
        _check_squashfs(path)
        return True
    tree = TreeFilter("the image")
    has_rootfs = bool(prefix)
    with path.open("rb") as file:
        for member in open_tar(file):
            if cancelled():
                raise CancelledOperationError("The operation was cancelled")
            target = prefix + member.target if member.kind is Kind.HARD_LINK else member.target
            name = member.name if member.name.startswith(b"/") else prefix + member.name
            admitted = tree.admit(member, name, target)
            has_rootfs = has_rootfs or (admitted is not None and admitted.name.partition(b"/")[0] == b"rootfs")
    return has_rootfs


def _check_squashfs(path: Path) -> None:
    """Have every directory read: their tables stand at the end of the file, so a short one is found out."""
    with tempfile.TemporaryDirectory() as empty:
        try:
            with confined("unsquashfs", ["-quiet", "-lc", INPUT], Path(empty), given=path):
                pass
        except CommandError as error:
            raise ArchiveError(f"The squashfs file is damaged: {error.stderr.strip()[-500:]}") from error
