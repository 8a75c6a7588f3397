"""The files of a tree that run as another user or group: those with a set-id bit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.walk import Walk

_SET_IDS: Final = stat.S_ISUID | stat.S_ISGID


def set_id_files(tree: Path) -> dict[bytes, tuple[int, int]]:
    """Return inode and mode (with the set-id bits) of each, by its path in the tree. Links aren't followed."""
    found: dict[bytes, tuple[int, int]] = {}
    with directory(tree) as root:

        def visit(path: bytes) -> list[bytes]:
            below = []
            with beneath(root, path) as here, os.scandir(here) as entries:
                for entry in entries:
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        below.append(join(path, entry.name))
                    elif facts.st_mode & _SET_IDS:
                        found[join(path, entry.name)] = (facts.st_ino, stat.S_IMODE(facts.st_mode))
            return below

        Walk(visit).run()
    return found
