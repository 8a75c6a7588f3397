"""Copy the directories of a tree, one at a time: what one worker of a clone does, be it a thread or a process.

Nothing but the standard library and `host` below here: `crew_child` runs it in processes of its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from holdfast.host.beneath import beneath, join
from holdfast.host.file_copy import ContentCopier, copy_file, copy_special, read_attributes, write_attributes
from holdfast.host.sharing import names_within, share_file

VANISHED: Final = (errno.ENOENT, errno.ESTALE, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
_NO_TWIN: Final = (*VANISHED, errno.EXDEV)

Linked = tuple[int, int, bytes]
"""A file with several names: device, inode, and the path of one name."""


class _Directories(NamedTuple):
    """Descriptors of one directory in each of the trees."""

    source: int
    target: int
    twin: int | None
    relative: int | None


def enter_if_there(root: int | None, path: bytes, stack: contextlib.ExitStack) -> int | None:
    """Return a descriptor of this directory of a tree beside, if there are such a tree and such a directory."""
    if root is None:
        return None
    try:
        return stack.enter_context(beneath(root, path))
    except OSError as error:
        if error.errno in _NO_TWIN:
            return None
        raise


class TreeCopy:
    """Copies from one root to another; `twin_root` is of a tree whose files may be linked instead (see `sharing`).

    `relative_root` is of a tree that the source may share files with: names there don't count as names of a file.

    Thread-safe. `check` may raise to end the work, `count` gets the bytes done.
    """

    def __init__(
        self,
        source_root: int,
        target_root: int,
        twin_root: int | None,
        relative_root: int | None,
        *,
        check: Callable[[], None],
        count: Callable[[int], None],
    ) -> None:
        self._source_root, self._target_root = source_root, target_root
        self._twin_root, self._relative_root = twin_root, relative_root
        self._check, self._count = check, count
        self._copier = ContentCopier(self._count_and_check)
        self._lock = threading.Lock()
        self._directories: list[tuple[bytes, os.stat_result, dict[str, bytes]]] = []
        self.entries = 0
        """How many were copied so far, roughly."""

    def copy(self, path: bytes) -> tuple[list[bytes], list[Linked]]:
        """Copy what is in a directory that is there in the target, too; return the directories made, to be copied next.

        Files with several names are not copied but returned: who knows all of the tree decides which name is the first.
        """
        with contextlib.ExitStack() as stack:
            try:
                source = stack.enter_context(beneath(self._source_root, path))
            except OSError as error:
                if error.errno in VANISHED:
                    return [], []
                raise
            target = stack.enter_context(beneath(self._target_root, path))
            twin, relative = (enter_if_there(root, path, stack) for root in (self._twin_root, self._relative_root))
            return self._copy_entries(path, _Directories(source, target, twin, relative))

    def copy_name(self, path: bytes) -> None:
        """Copy one entry that is no directory; one that vanished is left out."""
        parent, _, name = path.rpartition(b"/")
        text = os.fsdecode(name)
        with contextlib.ExitStack() as stack:
            try:
                source = stack.enter_context(beneath(self._source_root, parent))
                facts = os.stat(text, dir_fd=source, follow_symlinks=False)
                target = stack.enter_context(beneath(self._target_root, parent))
                if stat.S_ISREG(facts.st_mode):
                    copy_file(text, source, target, self._copier)
                elif not stat.S_ISDIR(facts.st_mode):
                    copy_special(text, source, target, facts)
            except OSError as error:
                if error.errno not in VANISHED:
                    raise OSError(error.errno, error.strerror, os.fsdecode(path)) from error

    def dress(self) -> None:
        """Give the directories that this object copied their attributes and times, once nothing more is made in them.

        Not before: a default ACL or a setgid bit would be inherited by what is made below, and times would change.
        """
        for path, facts, attributes in self._directories:
            with beneath(self._target_root, path) as descriptor:
                write_attributes(descriptor, attributes, facts)
        self._directories.clear()

    def _count_and_check(self, size_bytes: int) -> None:
        self._check()
        self._count(size_bytes)

    def _copy_entries(self, path: bytes, here: _Directories) -> tuple[list[bytes], list[Linked]]:
        below: list[bytes] = []
        linked: list[Linked] = []
        entries = 0
        with os.scandir(here.source) as found:
            for entry in found:
                self._check()
                entries += 1
                try:
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        os.mkdir(entry.name, 0o700, dir_fd=here.target)
                        below.append(join(path, entry.name))
                    elif names_within(entry.name, facts, here.relative) > 1:
                        linked.append((facts.st_dev, facts.st_ino, join(path, entry.name)))
                    elif not self._share(entry.name, facts, here):
                        self._copy_entry(entry.name, facts, here)
                except OSError as error:
                    if error.errno not in VANISHED:
                        raise OSError(error.errno, error.strerror, os.fsdecode(join(path, entry.name))) from error
        with self._lock:
            self.entries += entries
            self._directories.append((path, os.fstat(here.source), read_attributes(here.source)))
        return below, linked

    def _copy_entry(self, name: str, facts: os.stat_result, here: _Directories) -> None:
        if stat.S_ISREG(facts.st_mode):
            copy_file(name, here.source, here.target, self._copier)
        else:
            copy_special(name, here.source, here.target, facts)

    def _share(self, name: str, facts: os.stat_result, here: _Directories) -> bool:
        if here.twin is None or not (stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode)):
            return False
        if not share_file(name, facts, here.source, here.twin, here.target, self._check, relative=here.relative):
            return False
        self._count(facts.st_size)
        return True
