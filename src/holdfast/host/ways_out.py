"""Links by which a confined program that is shown a tree would get to directories that aren't in it."""

from __future__ import annotations

import os
import posixpath
import threading
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.walk import Walk

_OF_THE_HOST: Final = frozenset({b"usr", b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32"})
_OF_ITS_OWN: Final = frozenset({b"target", b"former"})
"""What a confined program sees beside a part of the host: see `confine_child.py`."""


def entries_to_show(tree: Path, most_entries: int) -> int | None:
    """Return how many entries the tree has, or None if they are more than that, or a link may lead out of it.

    It is shown as a directory of the root; out of it is a directory that the confined program sees beside.
    """
    found = threading.Event()
    counts: list[int] = []
    with directory(tree) as root:

        def visit(path: bytes) -> list[bytes]:
            below: list[bytes] = []
            with beneath(root, path) as here, os.scandir(here) as scanned:
                entries = list(scanned)
                for entry in entries:
                    if entry.is_symlink():
                        if leads_out(path, os.fsencode(os.readlink(entry.name, dir_fd=here))):
                            found.set()
                    elif entry.is_dir(follow_symlinks=False):
                        below.append(join(path, entry.name))
            counts.append(len(entries))
            return [] if found.is_set() else below

        Walk(visit).run()
    return None if found.is_set() or sum(counts) > most_entries else sum(counts)


def leads_out(parent: bytes, target: bytes) -> bool:
    """Tell it of a link in the directory `parent` of the tree."""
    parts = [part for part in target.split(b"/") if part not in (b"", b".")]
    ups = next((number for number, part in enumerate(parts) if part != b".."), len(parts))
    if b".." in parts[ups:]:
        return True  # where that is depends on other links
    if target.startswith(b"/") or ups > (parent.count(b"/") + 1 if parent else 0):
        rest = parts[ups:]
    else:
        return False
    if not rest or rest[0] in _OF_ITS_OWN or rest == [b"etc"]:
        return True
    return rest[0] in _OF_THE_HOST and os.path.isdir(posixpath.join(b"/", *rest))
