"""A tree of links: the files of another tree under more names, to be changed by who never writes to a shared file."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, beneath_links, directory, join
from holdfast.host.file_copy import ContentCopier, copy_file, copy_special, read_attributes, write_attributes
from holdfast.host.walk import Walk
from holdfast.model.errors import CancelledOperationError

Choose = Callable[[str, os.stat_result], int | None]
"""Returns the directory to link an entry from, None for that of the tree itself."""

_LOOK: Final = 64
"""Directories between two looks at whether it was cancelled."""
_IS_LINK: Final = (errno.ELOOP, errno.ENOTDIR)
_CANT_LINK: Final = (errno.EPERM, errno.EMLINK)


def link_unchanged(
    source: Path,
    target: Path,
    names: Mapping[bytes, Collection[bytes]],
    *,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Complete a tree that has all its directories: link what else is unchanged, by directory, from the one before.

    `source` is at rest. `OSError` if a name isn't in it, or is in `target` already.
    """
    with directory(source) as source_root, directory(target) as target_root:
        links = _Links(source_root, target_root, None)
        for number, (path, found) in enumerate(names.items()):
            if not number % _LOOK and cancelled is not None and cancelled():
                raise CancelledOperationError("Operation cancelled")
            links.link_into(path, found)


def link_tree(source: Path, target: Path, *, cancelled: Callable[[], bool] | None = None) -> None:
    """Make the new directory `target` a tree like `source`, which is at rest: directories are made, all else is linked.

    On failure the part is left at `target` for the caller to remove.
    """
    target.mkdir(mode=0o700)
    with directory(source) as source_root, directory(target) as target_root:
        make_links(source_root, target_root, cancelled=cancelled)


def make_links(
    source: int,
    target: int,
    *,
    choosing: Callable[[bytes, contextlib.ExitStack], Choose] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Fill the empty directory `target` with links to what is in `source`; both are descriptors.

    `choosing` gets the path of each directory, and what closes at its end; what it returns may have entries linked from
    elsewhere.
    """
    links = _Links(source, target, choosing)
    links.walk.run(cancelled)
    links.finish()


class _Links:
    """One tree of links under way; directories get owners and times at the end."""

    def __init__(
        self, source: int, target: int, choosing: Callable[[bytes, contextlib.ExitStack], Choose] | None
    ) -> None:
        self._source, self._target, self._choosing = source, target, choosing
        self.walk = Walk(self._visit)
        self._copier = ContentCopier(lambda _: self.walk.check())
        self._lock = threading.Lock()
        self._directories: list[tuple[bytes, os.stat_result, dict[str, bytes]]] = []

    def finish(self) -> None:
        for path, facts, attributes in self._directories:
            with beneath(self._target, path) as descriptor:
                write_attributes(descriptor, attributes, facts)

    def _visit(self, path: bytes) -> list[bytes]:
        below = []
        with contextlib.ExitStack() as stack:
            source, target = (stack.enter_context(beneath(root, path)) for root in (self._source, self._target))
            choose = None if self._choosing is None else self._choosing(path, stack)
            with os.scandir(source) as entries:
                for entry in entries:
                    self.walk.check()
                    if entry.is_dir(follow_symlinks=False):
                        os.mkdir(entry.name, 0o700, dir_fd=target)
                        below.append(join(path, entry.name))
                    else:
                        chosen = None if choose is None else choose(entry.name, entry.stat(follow_symlinks=False))
                        self._link(entry.name, source if chosen is None else chosen, target)
            with self._lock:
                self._directories.append((path, os.fstat(source), read_attributes(source)))
        return below

    def link_into(self, path: bytes, names: Collection[bytes]) -> None:
        """Link these names into a directory that is there, whose times stay as they are.

        Where links lead to the directory in the source it has another place: its files are copied, they may be linked
        there.
        """
        with contextlib.ExitStack() as stack:
            target = stack.enter_context(beneath(self._target, path))
            try:
                source, take = stack.enter_context(beneath(self._source, path)), self._link
            except OSError as error:
                if error.errno not in _IS_LINK:
                    raise
                source, take = stack.enter_context(beneath_links(self._source, path)), self._copy
            before = os.fstat(target)
            for name in names:
                take(os.fsdecode(name), source, target)
            os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _link(self, name: str, source: int, target: int) -> None:
        """Link, or copy what can't be linked: immutable files, and those with too many names."""
        try:
            os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _CANT_LINK:
                raise
            self._copy(name, source, target)

    def _copy(self, name: str, source: int, target: int) -> None:
        facts = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISREG(facts.st_mode):
            copy_file(name, source, target, self._copier)
        else:
            copy_special(name, source, target, facts)
