"""Have the kernel read a tree's files ahead of the program that packs it, in the same order.

A program that reads many small files one by one waits for the disk at each; asked for early, they come together.
What goes wrong here is left to that program, which meets the same file a little later and knows what to do about it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, open_file_beneath

_AHEAD_BYTES: Final = 64 * 1024 * 1024
_FILE_CAP_BYTES: Final = 8 * 1024 * 1024
"""The kernel's own read-ahead does well within a large file."""
_ENTRY_BYTES: Final = 1024
"""What an entry takes in the archive beside its data, roughly."""
_DEPTH_CAP: Final = 64
"""Each level holds a descriptor; what lies deeper is read without us."""
_NAMES_CAP: Final = 100_000


class Prefetcher:
    """Walks the tree in a thread, never further ahead than a bounded number of bytes. Made by `prefetching`."""

    def __init__(self, tree: Path, names: Sequence[str]) -> None:
        self._tree, self._names = tree, names
        self._asked_bytes = self._packed_bytes = 0
        self._linked: set[int] = set()
        self._is_stopped = False
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def packed(self, total_bytes: int) -> None:
        """Tell how far the packing is."""
        with self._moved:
            self._packed_bytes = total_bytes
            self._moved.notify()

    def join(self) -> None:
        """Wait until all is asked for: nothing of the tree is open any more."""
        self._thread.join()

    def stop(self) -> None:
        """End the thread early, and wait for it."""
        with self._moved:
            self._is_stopped = True
            self._moved.notify()
        self.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError), directory(self._tree) as top:
            self._ask(top, self._names, 0)

    def _ask(self, here: int, names: Sequence[str], depth: int) -> None:
        """Ask for the named entries; nothing is followed, so that a path can't be changed under our hands."""
        for name in names:
            if self._is_stopped:
                return
            with contextlib.suppress(OSError):
                self._entry(here, name, depth)

    def _entry(self, here: int, name: str, depth: int) -> None:
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
        self._asked_bytes += _ENTRY_BYTES
        if stat.S_ISDIR(status.st_mode):
            if depth < _DEPTH_CAP:
                with beneath(here, os.fsencode(name)) as inside:
                    self._ask(inside, _sorted_names(inside), depth + 1)
        elif stat.S_ISREG(status.st_mode) and status.st_blocks and self._is_new(status):
            if not self._gets_turn():
                return
            file = open_file_beneath(here, os.fsencode(name))
            try:
                os.posix_fadvise(file, 0, _FILE_CAP_BYTES, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(file)
            self._asked_bytes += min(status.st_size, status.st_blocks * 512)

    def _is_new(self, status: os.stat_result) -> bool:
        """Tell whether the file's data will be packed: only the first of its names brings it along."""
        if status.st_nlink == 1:
            return True
        is_new = status.st_ino not in self._linked
        self._linked.add(status.st_ino)
        return is_new

    def _gets_turn(self) -> bool:
        """Wait until the packing comes near; return False when it has ended."""
        with self._moved:
            self._moved.wait_for(lambda: self._is_stopped or self._asked_bytes - self._packed_bytes < _AHEAD_BYTES)
            return not self._is_stopped


@contextlib.contextmanager
def prefetching(tree: Path, names: Sequence[str]) -> Iterator[Prefetcher]:
    """Prefetch the named entries of the tree while the body runs."""
    prefetcher = Prefetcher(tree, names)
    prefetcher.start()
    try:
        yield prefetcher
    finally:
        prefetcher.stop()


def _sorted_names(directory: int) -> list[str]:
    """Return the names inside; none where there are so many that they had better not be held in memory."""
    with os.scandir(directory) as entries:
        names = [entry.name for entry in islice(entries, _NAMES_CAP + 1)]
    return sorted(names) if len(names) <= _NAMES_CAP else []
