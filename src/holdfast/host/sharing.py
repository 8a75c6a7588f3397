"""Share files between two trees at rest: a file that is the same in both is linked instead of copied.

Nothing is taken for the same by its facts alone: the content is compared, too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from typing import Final

from holdfast.host.file_copy import FICLONE, read_attributes

_PART_BYTES: Final = 256 * 1024
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME | os.O_CLOEXEC


def can_share_extents(directory: int) -> bool:
    """Tell whether clones of files share their extents in the file system of a directory; really tried."""
    flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
    with contextlib.ExitStack() as stack:
        try:
            files = []
            for _ in range(2):
                files.append(os.open(".", flags, 0o600, dir_fd=directory))
                stack.callback(os.close, files[-1])
            fcntl.ioctl(files[0], FICLONE, files[1])
        except OSError:
            return False
    return True


def share_file(
    name: str,
    wanted: os.stat_result,
    source: int,
    resembling: int,
    target: int,
    check: Callable[[], None],
    *,
    relative: int | None = None,
) -> bool:
    """Link the file or symbolic link `name` of `resembling` into `target` if `source` has the same; else return False.

    The same are: content, owner, mode, time of change, extended attributes with ACLs; and it has one name only, as in
    `source`. What can't be read or linked (append-only, immutable, a bad block) is not shared. `check` may raise.

    A name in `relative`, a directory of another tree that shares files with the source's, doesn't count.
    """
    is_equal = _is_equal_link if stat.S_ISLNK(wanted.st_mode) else _is_equal_file
    try:
        if names_within(name, wanted, relative) != 1:
            return False
        if not _is_alike(wanted, os.stat(name, dir_fd=resembling, follow_symlinks=False)):
            return False
        if not is_equal(name, wanted, source, resembling, check):
            return False
        os.link(name, name, src_dir_fd=resembling, dst_dir_fd=target, follow_symlinks=False)
    except OSError:
        return False
    return True


def names_within(name: str, facts: os.stat_result, relative: int | None) -> int:
    """Return how many names a file has in its own tree, as far as the relative's name for it tells."""
    if facts.st_nlink == 1 or relative is None:
        return facts.st_nlink
    try:
        other = os.stat(name, dir_fd=relative, follow_symlinks=False)
    except OSError:
        return facts.st_nlink
    return facts.st_nlink - is_same_file(facts, other)


def is_same_file(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _is_alike(one: os.stat_result, other: os.stat_result) -> bool:
    return (
        other.st_nlink == 1
        and one.st_mode == other.st_mode
        and one.st_size == other.st_size
        and one.st_mtime_ns == other.st_mtime_ns
        and (one.st_uid, one.st_gid) == (other.st_uid, other.st_gid)
    )


def _is_equal_link(name: str, _: os.stat_result, source: int, resembling: int, check: Callable[[], None]) -> bool:
    check()
    if os.readlink(name, dir_fd=source) != os.readlink(name, dir_fd=resembling):
        return False
    one, other = (read_attributes(f"/proc/self/fd/{descriptor}/{name}") for descriptor in (source, resembling))
    return one == other


def _is_equal_file(name: str, wanted: os.stat_result, source: int, resembling: int, check: Callable[[], None]) -> bool:
    if _has_holes(wanted):
        return False  # comparing zeros takes longer than a clone, which skips them
    with _opened(name, source) as one, _opened(name, resembling) as other:
        return read_attributes(one) == read_attributes(other) and _is_equal(one, other, wanted.st_size, check)


def _has_holes(facts: os.stat_result) -> bool:
    return facts.st_size > _PART_BYTES and facts.st_blocks * 512 < facts.st_size


def _is_equal(one: int, other: int, size: int, check: Callable[[], None]) -> bool:
    for start in range(0, size, _PART_BYTES):
        check()
        if os.pread(one, _PART_BYTES, start) != os.pread(other, _PART_BYTES, start):
            return False
    return True


@contextlib.contextmanager
def _opened(name: str, directory: int) -> Iterator[int]:
    descriptor = os.open(name, _READ, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
