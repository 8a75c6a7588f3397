"""Names and durability: the renames that publishing is made of, identity of a tree, space of a file system."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host import kernel

_RENAME_NOREPLACE: Final = 1
_RENAME_EXCHANGE: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """What a file system holds, in bytes and inodes; `available_bytes` is what root can still write."""

    total_bytes: int
    used_bytes: int
    available_bytes: int
    inodes_total: int
    inodes_used: int


def move_new(source: Path, target: Path) -> None:
    """Rename in one step; raise `FileExistsError` if anything is at `target`, even an empty directory."""
    kernel.renameat2(source, target, _RENAME_NOREPLACE)


def exchange(one: Path, other: Path) -> None:
    """Let two existing names change places in one step."""
    kernel.renameat2(one, other, _RENAME_EXCHANGE)


def can_exchange(directory: Path) -> bool:
    """Tell whether the file system of a directory exchanges directories and refuses to replace; really tried."""
    one, other = directory / ".exchange-one", directory / ".exchange-other"
    try:
        one.mkdir(mode=0o700, exist_ok=True)
        other.mkdir(mode=0o700, exist_ok=True)
        exchange(one, other)
        try:
            move_new(one, other)
        except FileExistsError:
            return True
        return False
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV):
            return False
        raise
    finally:
        for path in (one, other):
            if path.exists():
                path.rmdir()


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on stable storage."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(path: Path) -> None:
    """Put everything that was written to the file system of `path` on stable storage."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        kernel.syncfs(descriptor)
    finally:
        os.close(descriptor)


def inode_identity(path: Path) -> str:
    """Return what tells this file from every other of its file system, now and before; kept by rename and remount."""
    try:
        return kernel.file_handle(path).hex()
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM):
            raise
        return str(path.lstat().st_ino)


def space(path: Path) -> Space:
    """Return size and use of the file system that holds `path`."""
    facts = os.statvfs(path)
    return Space(
        total_bytes=facts.f_blocks * facts.f_frsize,
        used_bytes=(facts.f_blocks - facts.f_bfree) * facts.f_frsize,
        available_bytes=facts.f_bavail * facts.f_frsize,
        inodes_total=facts.f_files,
        inodes_used=facts.f_files - facts.f_ffree,
    )
