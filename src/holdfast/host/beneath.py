"""Open files below a directory whose content is not ours: no link is followed, no mount is crossed, no `..` leaves."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from holdfast.host import kernel

RESOLVE_NO_XDEV: Final = 0x01
RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_NO_SYMLINKS: Final = 0x04
RESOLVE_BENEATH: Final = 0x08
_STEP_BYTES: Final = 3000  # a path longer than PATH_MAX (4096) is opened in steps


_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def join(path: bytes, name: str) -> bytes:
    """Return the path of an entry, relative to the same root; b"" is the root itself."""
    return path + b"/" + os.fsencode(name) if path else os.fsencode(name)


@contextlib.contextmanager
def directory(path: Path) -> Iterator[int]:
    """Give a descriptor of a directory, to be a root."""
    descriptor = os.open(path, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def beneath(root: int, path: bytes) -> Iterator[int]:
    """Give a descriptor of a directory below `root`; see `open_beneath`."""
    descriptor = open_beneath(root, path, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def beneath_links(root: int, path: bytes) -> Iterator[int]:
    """Give a descriptor of a directory below `root`, to which links may lead that stay below it; EXDEV for others."""
    resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS
    descriptor = kernel.openat2(root, path, os.O_RDONLY | os.O_DIRECTORY, 0, resolve)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_beneath(root: int, path: bytes, flags: int, mode: int = 0) -> int:
    """Open `path`, relative to the directory descriptor `root`, and return a descriptor.

    Any length of path. A symbolic link anywhere in it gives ELOOP, a mount point EXDEV.
    """
    here, owned = root, False
    try:
        while len(path) > _STEP_BYTES:
            cut = path.rindex(b"/", 0, _STEP_BYTES)
            step = _open(here, path[:cut], os.O_PATH | os.O_DIRECTORY, 0)
            if owned:
                os.close(here)
            here, owned, path = step, True, path[cut + 1 :]
        return _open(here, path or b".", flags, mode)
    finally:
        if owned:
            os.close(here)


def open_file_beneath(root: int, path: bytes, flags: int = os.O_RDONLY) -> int:
    """Open a regular file; ENXIO for anything else, which isn't opened at all: a device may act on being opened.

    What was a file when it was listed may have been exchanged for a device since, where others write to the tree.
    """
    found = open_beneath(root, path, os.O_PATH | os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError(errno.ENXIO, "Not a regular file", os.fsdecode(path))
        return os.open(f"/proc/self/fd/{found}", flags | os.O_NONBLOCK)  # who holds a lease isn't waited for
    finally:
        os.close(found)


def _open(directory: int, path: bytes, flags: int, mode: int) -> int:
    return kernel.openat2(directory, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
