"""The former state of a volume as a tree of links, where a restore shared files between it and what replaced it.

What the new tree took over from the volume will be written to; so those files, which are the same in the snapshot, are
linked from the snapshot, which nobody writes to. All others are linked from the volume, whose own names go. The result
takes no more space than the differences, and nothing that is written to the new tree can reach it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.file_copy import ContentCopier, read_attributes, write_attributes
from holdfast.host.sharing import is_same_file
from holdfast.host.tree_copy import enter_if_there
from holdfast.host.tree_links import link_entry
from holdfast.host.walk import Walk

_BLOCK_BYTES: Final = 512


def link_former(
    volume: Path, replacement: Path, origin: Path, target: Path, *, cancelled: Callable[[], bool] | None = None
) -> None:
    """Make `target` what the volume is now; `replacement` was cloned from `origin`, resembling `volume`, all at rest.

    On failure the part is left at `target` for the caller to remove.
    """
    target.mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        roots = [stack.enter_context(directory(path)) for path in (volume, replacement, origin, target)]
        links = _Links(*roots)
        links.walk.run(cancelled)
        links.finish()


def bytes_of_its_own(tree: Path) -> int:
    """Return what the files of a tree take that have no name elsewhere, in bytes."""
    total = 0
    with directory(tree) as root:
        for _, _, files, here in os.fwalk(".", dir_fd=root):
            for name in files:
                with contextlib.suppress(FileNotFoundError):
                    facts = os.stat(name, dir_fd=here, follow_symlinks=False)
                    total += facts.st_blocks * _BLOCK_BYTES if facts.st_nlink == 1 else 0
    return total


class _Links:
    """One tree of links under way; directories get owners and times at the end."""

    def __init__(self, volume: int, replacement: int, origin: int, target: int) -> None:
        self._volume, self._replacement, self._origin, self._target = volume, replacement, origin, target
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
            volume, target = (stack.enter_context(beneath(root, path)) for root in (self._volume, self._target))
            replacement, origin = (enter_if_there(root, path, stack) for root in (self._replacement, self._origin))
            with os.scandir(volume) as entries:
                for entry in entries:
                    self.walk.check()
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        os.mkdir(entry.name, 0o700, dir_fd=target)
                        below.append(join(path, entry.name))
                    elif origin is not None and _is_in(replacement, entry.name, facts):
                        link_entry(entry.name, facts, origin, target, self._copier)
                    else:
                        link_entry(entry.name, facts, volume, target, self._copier)
            with self._lock:
                self._directories.append((path, os.fstat(volume), read_attributes(volume)))
        return below


def _is_in(directory: int | None, name: str, facts: os.stat_result) -> bool:
    if directory is None or facts.st_nlink == 1:
        return False
    try:
        return is_same_file(facts, os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return False
