"""How much a tree takes on disk: the blocks of all that is in it, hard links once, shared blocks as if they weren't."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.walk import Walk
from holdfast.model.errors import CancelledOperationError

_BLOCK_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Usage:
    """`is_complete` is False where it was ended before everything was seen."""

    size_bytes: int
    entries: int
    is_complete: bool


def measure(tree: Path, ended: Callable[[], bool]) -> Usage:
    """Add up a tree until it is done or `ended`. Links aren't followed; what vanishes meanwhile isn't there."""
    with directory(tree) as root:
        meter = _Meter(root)
        walk = Walk(meter.visit)
        try:
            walk.run(ended)
        except CancelledOperationError:
            return Usage(meter.size_bytes, meter.entries, is_complete=False)
    return Usage(meter.size_bytes, meter.entries, is_complete=True)


class _Meter:
    def __init__(self, root: int) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._linked: set[tuple[int, int]] = set()
        self.size_bytes = self.entries = 0

    def visit(self, path: bytes) -> list[bytes]:
        size_bytes = entries = 0
        below: list[bytes] = []
        with contextlib.suppress(FileNotFoundError), beneath(self._root, path) as here, os.scandir(here) as found:
            for entry in found:
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    entries += 1
                    if self._is_first(facts):
                        size_bytes += facts.st_blocks * _BLOCK_BYTES
                    if stat.S_ISDIR(facts.st_mode):
                        below.append(join(path, entry.name))
        with self._lock:
            self.size_bytes += size_bytes
            self.entries += entries
        return below

    def _is_first(self, facts: os.stat_result) -> bool:
        """Tell whether a file with several names hasn't been counted by another one of them."""
        if facts.st_nlink == 1 or stat.S_ISDIR(facts.st_mode):
            return True
        key = (facts.st_dev, facts.st_ino)
        with self._lock:
            if key in self._linked:
                return False
            self._linked.add(key)
            return True
