"""Clone whole trees: parallel, without following links, with cancel and progress.

Kept: owners, modes, times (of directories and links too), extended attributes, ACLs, capabilities, hard links, holes,
devices, fifos, sockets, names of any bytes. What vanishes from the source meanwhile is left out: a running instance may
change its files at any time (and put links in the way: nothing here follows one).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory
from holdfast.host.crew import Crew
from holdfast.host.sharing import can_share_extents
from holdfast.host.tree_copy import Linked, TreeCopy
from holdfast.host.walk import THREADS, Walk

MANY: Final = 2000
"""Entries after which a crew of processes takes over: it needs some 50 ms to start, as 1,000 files do in threads."""


def clone_tree(
    source: Path,
    target: Path,
    *,
    resembling: Path | None = None,
    relative: Path | None = None,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Copy the directory `source` as the new directory `target`.

    `progress` gets the bytes done so far. On failure (`OSError`, `CancelledOperationError`) the part is left at
    `target` for the caller to remove.

    `resembling` is a tree of the same file system: where clones can't share extents, the files that are the same there
    are linked from it. It must be at rest, and either it or `target` be removed before one of them is changed.
    `relative` is a tree that `source` may share files with: a file's name there isn't one of several of it.
    """
    target.mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        source_root, target_root = (stack.enter_context(directory(path)) for path in (source, target))
        twin_root = relative_root = None
        if resembling is not None and resembling.is_dir() and not can_share_extents(target_root):
            twin_root = stack.enter_context(directory(resembling))
        if relative is not None and relative.is_dir():
            relative_root = stack.enter_context(directory(relative))
        _run(_Clone(source_root, target_root, twin_root, relative_root), cancelled, progress)


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
    with contextlib.closing(clone):
        clone.walk.run(cancelled, progress)
        clone.finish()


class _Clone:
    """One clone under way. What must come last is collected: hard links, and the times of directories."""

    def __init__(
        self, source_root: int, target_root: int, twin_root: int | None = None, relative_root: int | None = None
    ) -> None:
        self._target_root = target_root
        self._roots = (source_root, target_root, twin_root, relative_root)
        self.walk = Walk(self._visit, self._kill, threads=THREADS)
        self._copy = TreeCopy(
            source_root, target_root, twin_root, relative_root, check=self.walk.check, count=self.walk.count
        )
        self._crew: Crew | None = None
        self._lock = threading.Lock()
        self._first_names: dict[tuple[int, int], bytes] = {}
        self._links: list[tuple[tuple[int, int], bytes]] = []

    def _visit(self, path: bytes) -> list[bytes]:
        crew = self._crew_for_many()
        below, linked = self._copy.copy(path) if crew is None else crew.copy(path)
        for name in self._first_of(linked):
            self._copy.copy_name(name)
        return below

    def _crew_for_many(self) -> Crew | None:
        with self._lock:
            if self._crew is None and self._copy.entries >= MANY:
                self.walk.check()
                self._crew = Crew(self._roots, self.walk.count)
            return self._crew

    def _kill(self) -> None:
        with self._lock:
            if self._crew is not None:
                self._crew.kill()

    def _first_of(self, linked: Sequence[Linked]) -> list[bytes]:
        """Return the names to be copied; the other names of the same files become links at the end."""
        first = []
        with self._lock:
            for device, inode, path in linked:
                if self._first_names.setdefault((device, inode), path) is path:
                    first.append(path)
                else:
                    self._links.append(((device, inode), path))
        return first

    def finish(self) -> None:
        """Make the hard links, then dress the directories."""
        for key, path in self._links:
            self._link(key, path)
        self._copy.dress()
        if self._crew is not None:
            self._crew.dress()

    def close(self) -> None:
        """End the processes, if there are any."""
        if self._crew is not None:
            self._crew.close()

    def _link(self, key: tuple[int, int], path: bytes) -> None:
        first, name = self._first_names[key], os.fsdecode(path).rpartition("/")[2]
        first_parent, _, first_name = first.rpartition(b"/")
        parent = path.rpartition(b"/")[0]
        with beneath(self._target_root, parent) as here, beneath(self._target_root, first_parent) as there:
            try:
                os.link(first_name, name, src_dir_fd=there, dst_dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:  # the first name vanished before it could be copied: this one takes its place
                self._copy.copy_name(path)
                self._first_names[key] = path
