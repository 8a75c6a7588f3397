"""Clone whole trees: parallel, without following links, with cancel and progress.

Kept: owners, modes, times (of directories and links too), extended attributes, ACLs, capabilities, hard links, holes,
devices, fifos, sockets, names of any bytes. What vanishes from the source meanwhile is left out: a running instance may
change its files at any time (and put links in the way: nothing here follows one).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.file_copy import ContentCopier, copy_file, copy_special, read_attributes, write_attributes
from holdfast.host.sharing import can_share_extents, share_file
from holdfast.host.walk import Walk

_VANISHED: Final = (errno.ENOENT, errno.ESTALE, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
_NO_TWIN: Final = (*_VANISHED, errno.EXDEV)


def clone_tree(
    source: Path,
    target: Path,
    *,
    resembling: Path | None = None,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Copy the directory `source` as the new directory `target`.

    `progress` gets the bytes done so far. On failure (`OSError`, `CancelledOperationError`) the part is left at
    `target` for the caller to remove.

    `resembling` is a tree of the same file system: where clones can't share extents, the files that are the same there
    are linked from it. It must be at rest, and either it or `target` be removed before one of them is changed.
    """
    target.mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        source_root, target_root = (stack.enter_context(directory(path)) for path in (source, target))
        twin_root = None
        if resembling is not None and resembling.is_dir() and not can_share_extents(target_root):
            twin_root = stack.enter_context(directory(resembling))
        _run(_Clone(source_root, target_root, twin_root), cancelled, progress)


def fill_tree(
    source: Path,
    target: Path,
    *,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Do as `clone_tree` does, into an empty directory that is there (of another pool, a subvolume)."""
    with directory(source) as source_root, directory(target) as target_root:
        _run(_Clone(source_root, target_root), cancelled, progress)


def _run(clone: _Clone, cancelled: Callable[[], bool] | None, progress: Callable[[int], None] | None) -> None:
    clone.walk.run(cancelled, progress)
    clone.finish()


class _Clone:
    """One clone under way. What must come last is collected: hard links, and the times of directories."""

    def __init__(self, source_root: int, target_root: int, twin_root: int | None = None) -> None:
        self._source_root, self._target_root, self._twin_root = source_root, target_root, twin_root
        self.walk = Walk(self._visit)
        self._copier = ContentCopier(self._count)
        self._lock = threading.Lock()
        self._first_names: dict[tuple[int, int], bytes] = {}
        self._links: list[tuple[tuple[int, int], bytes]] = []
        self._directories: list[tuple[bytes, os.stat_result, dict[str, bytes]]] = []

    def _count(self, size_bytes: int) -> None:
        self.walk.check()
        self.walk.count(size_bytes)

    def _visit(self, path: bytes) -> list[bytes]:
        with contextlib.ExitStack() as stack:
            try:
                source = stack.enter_context(beneath(self._source_root, path))
            except OSError as error:
                if error.errno in _VANISHED:
                    return []
                raise
            target = stack.enter_context(beneath(self._target_root, path))
            return self._copy_entries(path, source, target, self._twin(path, stack))

    def _twin(self, path: bytes, stack: contextlib.ExitStack) -> int | None:
        """Return a descriptor of the directory whose files may be linked, if there is one."""
        if self._twin_root is None:
            return None
        try:
            return stack.enter_context(beneath(self._twin_root, path))
        except OSError as error:
            if error.errno in _NO_TWIN:
                return None
            raise

    def _copy_entries(self, path: bytes, source: int, target: int, twin: int | None) -> list[bytes]:
        below = []
        with os.scandir(source) as entries:
            for entry in entries:
                self.walk.check()
                try:
                    if self._copy_entry(path, entry, source, target, twin):
                        below.append(join(path, entry.name))
                except OSError as error:
                    if error.errno not in _VANISHED:
                        raise OSError(error.errno, error.strerror, os.fsdecode(join(path, entry.name))) from error
        with self._lock:
            self._directories.append((path, os.fstat(source), read_attributes(source)))
        return below

    def _copy_entry(self, path: bytes, entry: os.DirEntry[str], source: int, target: int, twin: int | None) -> bool:
        """Copy a file, or make a directory and return True."""
        facts = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            os.mkdir(entry.name, 0o700, dir_fd=target)
            return True
        if facts.st_nlink > 1 and not self._is_first_name(facts, join(path, entry.name)):
            return False
        if twin is not None and self._share(entry.name, facts, source, twin, target):
            return False
        if stat.S_ISREG(facts.st_mode):
            copy_file(entry.name, source, target, self._copier)
        else:
            copy_special(entry.name, source, target, facts)
        return False

    def _share(self, name: str, facts: os.stat_result, source: int, twin: int, target: int) -> bool:
        is_sharable = stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode)
        if not is_sharable or not share_file(name, facts, source, twin, target, self.walk.check):
            return False
        self.walk.count(facts.st_size)
        return True

    def _is_first_name(self, facts: os.stat_result, path: bytes) -> bool:
        key = (facts.st_dev, facts.st_ino)
        with self._lock:
            if key in self._first_names:
                self._links.append((key, path))
                return False
            self._first_names[key] = path
            return True

    def finish(self) -> None:
        """Make the hard links, then dress the directories.

        Not before: a default ACL or a setgid bit would be inherited by what is made below, and times would change.
        """
        for key, path in self._links:
            self._link(key, path)
        for path, facts, attributes in self._directories:
            with beneath(self._target_root, path) as descriptor:
                write_attributes(descriptor, attributes, facts)

    def _link(self, key: tuple[int, int], path: bytes) -> None:
        first, name = self._first_names[key], os.fsdecode(path).rpartition("/")[2]
        first_parent, _, first_name = first.rpartition(b"/")
        parent = path.rpartition(b"/")[0]
        with beneath(self._target_root, parent) as here, beneath(self._target_root, first_parent) as there:
            try:
                os.link(first_name, name, src_dir_fd=there, dst_dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:  # the first name vanished before it could be copied: this one takes its place
                with contextlib.suppress(FileNotFoundError), beneath(self._source_root, parent) as source:
                    copy_file(name, source, here, self._copier)
                    self._first_names[key] = path
