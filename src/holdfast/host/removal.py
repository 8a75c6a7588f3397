"""Remove whole trees: parallel, of any depth, whatever flags the files carry; links are not followed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.walk import THREADS, Walk

_ATTEMPTS: Final = 5
_FS_IOC_GETFLAGS: Final = 0x80086601
_FS_IOC_SETFLAGS: Final = 0x40086602
_IMMUTABLE_OR_APPEND: Final = 0x10 | 0x20


def remove_tree(path: Path, *, cancelled: Callable[[], bool] | None = None) -> None:
    """Remove a directory with all that is below. Idempotent.

    Refuses (`OSError` EXDEV) to go into something mounted below. Raises ENOTEMPTY if something keeps writing there.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with directory(path) as root:
                _empty(root, cancelled)
            with directory(path.parent) as parent:
                _remove(parent, path.name, is_directory=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == _ATTEMPTS - 1:
                raise


def remove_entry(parent: int, name: str) -> None:
    """Remove an entry of a directory that nobody writes to, whatever it is, with all that is below. Idempotent."""
    try:
        with beneath(parent, os.fsencode(name)) as root:
            _empty(root, None)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        _remove(parent, name, is_directory=False)
        return
    _remove(parent, name, is_directory=True)


def _empty(root: int, cancelled: Callable[[], bool] | None) -> None:
    removal = _Removal(root)
    removal.walk.run(cancelled)
    removal.finish()


class _Removal:
    """One removal under way: files at once, directories (deepest first) at the end."""

    def __init__(self, root: int) -> None:
        self._root = root
        self.walk = Walk(self._visit, threads=THREADS)
        self._lock = threading.Lock()
        self._directories: list[bytes] = []

    def _visit(self, path: bytes) -> list[bytes]:
        below = []
        with beneath(self._root, path) as here, os.scandir(here) as entries:
            for entry in entries:
                self.walk.check()
                if entry.is_dir(follow_symlinks=False):
                    below.append(join(path, entry.name))
                else:
                    _remove(here, entry.name, is_directory=False)
        with self._lock:
            self._directories.extend(below)
        return below

    def finish(self) -> None:
        """Remove the directories, that are empty now."""
        places = (path.rpartition(b"/") for path in self._directories)
        in_order = sorted(places, key=lambda place: (place[0].count(b"/") + bool(place[0]), place[0]), reverse=True)
        for parent, group in groupby(in_order, key=itemgetter(0)):
            with beneath(self._root, parent) as here:
                for _, _, name in group:
                    _remove(here, os.fsdecode(name), is_directory=True)


def _remove(parent: int, name: str, *, is_directory: bool) -> None:
    remove = os.rmdir if is_directory else os.unlink
    try:
        remove(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except PermissionError:
        with contextlib.suppress(OSError):
            _allow_removal(parent)
        _allow_removal_of(parent, name)
        remove(name, dir_fd=parent)


def _allow_removal_of(parent: int, name: str) -> None:
    with contextlib.suppress(OSError):  # a fifo or device has no flags; what is refused shows at the second try
        entry = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            _allow_removal(entry)
        finally:
            os.close(entry)


def _allow_removal(descriptor: int) -> None:
    """Take away the flags "immutable" and "append only", which a privileged container may have set."""
    flags = bytearray(8)
    fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, flags)
    fcntl.ioctl(
        descriptor,
        _FS_IOC_SETFLAGS,
        (int.from_bytes(flags, "little") & ~_IMMUTABLE_OR_APPEND).to_bytes(8, "little"),
    )
