"""The former state of a volume as a tree of links, where a restore shared files between it and what replaced it.

What the new tree took over from the volume will be written to; so those files, which are the same in the snapshot, are
linked from the snapshot, which nobody writes to. All others are linked from the volume, whose own names go. The result
takes no more space than the differences, and nothing that is written to the new tree can reach it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.beneath import directory
from holdfast.host.sharing import is_same_file
from holdfast.host.tree_copy import enter_if_there
from holdfast.host.tree_links import Choose, make_links

_BLOCK_BYTES: Final = 512


def link_former(
    volume: Path, replacement: Path, origin: Path, target: Path, *, cancelled: Callable[[], bool] | None = None
) -> None:
    """Make `target` what the volume is now; `replacement` was cloned from `origin`, resembling `volume`, all at rest.

    On failure the part is left at `target` for the caller to remove.
    """
    target.mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        former, new, old, links = (
            stack.enter_context(directory(path)) for path in (volume, replacement, origin, target)
        )

        def choosing(path: bytes, opened: contextlib.ExitStack) -> Choose:
            there, origin_there = (enter_if_there(root, path, opened) for root in (new, old))
            return lambda name, facts: origin_there if _is_in(there, name, facts) else None

        make_links(former, links, choosing=choosing, cancelled=cancelled)


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


def _is_in(directory: int | None, name: str, facts: os.stat_result) -> bool:
    if directory is None or facts.st_nlink == 1:
        return False
    try:
        return is_same_file(facts, os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return False
