"""Copy one file with all that belongs to it, from one directory descriptor to another."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.beneath import directory

FICLONE: Final = 0x40049409
_PART_BYTES: Final = 32 * 1024 * 1024  # how much may be copied between two looks at cancel
_READ_BYTES: Final = 1024 * 1024
_NOT_HERE: Final = (errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY, errno.EPERM, errno.EBADF)
_PRIVATE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC

Counter = Callable[[int], None]


class ContentCopier:
    """Copies content between two trees: shares the extents where the file system can, else copies and keeps holes.

    Remembers what the file systems refused; used by several threads at once.
    """

    def __init__(self, count: Counter) -> None:
        self._count = count
        self._can_share = True
        self._can_copy_range = True

    def copy(self, source: int, target: int, facts: os.stat_result) -> None:
        """Copy up to the size in `facts`; a file that grows meanwhile is copied up to that size."""
        size = facts.st_size
        if size == 0 or self._share(source, target, size):
            return
        if facts.st_blocks * 512 >= size:
            self._range(source, target, 0, size)
            return
        os.ftruncate(target, size)
        position = 0
        while position < size:
            try:
                start = os.lseek(source, position, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return
                raise
            end = min(os.lseek(source, start, os.SEEK_HOLE), size)
            if start < end:
                self._range(source, target, start, end)
            position = max(end, start + 1)

    def _share(self, source: int, target: int, size: int) -> bool:
        if not self._can_share:
            return False
        try:
            fcntl.ioctl(target, FICLONE, source)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            self._can_share = False
            return False
        self._count(size)
        return True

    def _range(self, source: int, target: int, start: int, end: int) -> None:
        while start < end:
            copied = self._part(source, target, start, min(end - start, _PART_BYTES))
            if copied == 0:
                return
            start += copied
            self._count(copied)

    def _part(self, source: int, target: int, start: int, size: int) -> int:
        if self._can_copy_range:
            try:
                return os.copy_file_range(source, target, size, start, start)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                self._can_copy_range = False
        data = os.pread(source, min(size, _READ_BYTES), start)
        return os.pwrite(target, data, start) if data else 0


def read_attributes(source: str | int) -> dict[str, bytes]:
    """Return the extended attributes of a descriptor, or of a path that is not followed when it is a link."""
    is_followed = isinstance(source, int)
    found = {}
    for name in os.listxattr(source, follow_symlinks=is_followed):
        try:
            found[name] = os.getxattr(source, name, follow_symlinks=is_followed)
        except OSError as error:
            if error.errno != errno.ENODATA:  # taken away between the two calls
                raise
    return found


def have_same_attributes(one: Path, other: Path) -> bool:
    """Tell whether two directories have the same owner, mode, time of change and extended attributes."""
    with directory(one) as first, directory(other) as second:
        facts = [
            (found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns, read_attributes(descriptor))
            for descriptor, found in ((first, os.fstat(first)), (second, os.fstat(second)))
        ]
    return facts[0] == facts[1]


def write_attributes(target: str | int, attributes: dict[str, bytes], facts: os.stat_result) -> None:
    """Give `target` owner, extended attributes (with ACLs and capabilities), mode and times.

    A path is not followed when it is a link. The order matters: a new owner clears setuid bits and capabilities.
    """
    is_followed = isinstance(target, int)
    os.chown(target, facts.st_uid, facts.st_gid, follow_symlinks=is_followed)
    for name, value in attributes.items():
        try:
            os.setxattr(target, name, value, follow_symlinks=is_followed)
        except OSError as error:
            # a property of the source's file system (btrfs.compression), no content
            if not (name.startswith("btrfs.") and error.errno in (errno.EOPNOTSUPP, errno.EINVAL)):
                raise
    if not stat.S_ISLNK(facts.st_mode):
        os.chmod(target, stat.S_IMODE(facts.st_mode))
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns), follow_symlinks=is_followed)


def copy_file(name: str, source_directory: int, target_directory: int, copier: ContentCopier) -> os.stat_result | None:
    """Copy a regular file; return None if it is no regular file any more."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME | os.O_CLOEXEC
    source = os.open(name, flags, dir_fd=source_directory)
    try:
        facts = os.fstat(source)
        if not stat.S_ISREG(facts.st_mode):
            return None
        target = os.open(name, _PRIVATE, 0o600, dir_fd=target_directory)
        try:
            copier.copy(source, target, facts)
            write_attributes(target, read_attributes(source), facts)
        finally:
            os.close(target)
    finally:
        os.close(source)
    return facts


def copy_special(name: str, source_directory: int, target_directory: int, facts: os.stat_result) -> None:
    """Copy a symbolic link, device, fifo or socket."""
    if stat.S_ISLNK(facts.st_mode):
        os.symlink(os.readlink(name, dir_fd=source_directory), name, dir_fd=target_directory)
    else:
        os.mknod(name, stat.S_IFMT(facts.st_mode) | 0o600, facts.st_rdev, dir_fd=target_directory)
    attributes = read_attributes(f"/proc/self/fd/{source_directory}/{name}")
    write_attributes(f"/proc/self/fd/{target_directory}/{name}", attributes, facts)
