"""What rsync's receiver notes of a run, line by line: every entry that the sender has, and what was to be done for it.

    2026/11/30 08:59:01 [27735] >f..t...... 100000 content          came
    2026/11/30 08:59:01 [27735] .f          7 data/new\\#012line    is as it was: not made in the tree received into
    2026/11/30 08:59:01 [27735] cd..t...... 4096 data/              a directory; all of them are made
    2026/11/30 08:59:01 [27735] sent 1190 bytes  received 3850 bytes  total size 8500969

Bytes that can't be shown stand as `\\#` and three octal digits. The format is `FORMAT`; `total size` is that of all
files and symbolic links, so it tells whether lines are missing. The lines come from a process that the sender may have
taken over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from holdfast.model.errors import MigrationError

MOST_ENTRIES: Final = 5_000_000
"""What is listed is held in memory: some 250 bytes for each."""
FORMAT: Final = "%i %l %n"
_ITEM: Final = re.compile(rb"[^\[]*\[\d+\] ([.<>ch])([fdLDS])([ .?+a-zA-Z]{9}) (\d+) (.+)\n", re.DOTALL)
_TOTAL: Final = re.compile(rb"[^\[]*\[\d+\] sent \d+ bytes  received \d+ bytes  total size (\d+)\n")
_ESCAPED: Final = re.compile(rb"\\#([0-3][0-7]{2})")
_UNCHANGED: Final = b" " * 9
_TOP: Final = b"./"


@dataclass(frozen=True, slots=True)
class Listing:
    """What the sender has, by directory and name; paths have no slash at their ends, the top is b""."""

    unchanged: dict[bytes, set[bytes]] = field(default_factory=dict)
    """Everything but directories that is as it was."""
    changed: set[bytes] = field(default_factory=set)
    """Paths of all else that isn't as it was; never the top, whose former state isn't looked at."""
    entries: int = 0
    """How many there are below the top."""


def read_listing(lines: Iterable[bytes]) -> Listing:
    """Read the notes of a run that went well; raise `MigrationError` if they aren't all there."""
    unchanged: dict[bytes, set[bytes]] = {}
    changed: set[bytes] = set()
    paths: set[bytes] = set()
    sizes_bytes, total_bytes = 0, -1
    for line in lines:
        found = _ITEM.fullmatch(line)
        if found is None:
            total = _TOTAL.fullmatch(line)
            total_bytes = int(total[1]) if total is not None else total_bytes
            continue
        kind, how = found[2], found[3]
        path = found[5]
        if b"\\" in path:
            path = _ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 8)]), path)
        if path == _TOP or path in paths:
            continue
        paths.add(path)
        if len(paths) > MOST_ENTRIES:
            raise MigrationError(
                f"More than {MOST_ENTRIES} entries come to the place of a copy with far fewer: delete it, and copy anew"
            )
        if kind in b"fL":
            sizes_bytes += int(found[4])
        path = _checked(path.removesuffix(b"/"))
        if how != _UNCHANGED or (kind != b"d" and found[1] != b"."):
            changed.add(path)
        elif kind != b"d":
            directory, _, name = path.rpartition(b"/")
            unchanged.setdefault(directory, set()).add(name)
    if sizes_bytes != total_bytes:
        raise MigrationError("rsync did not say of everything what became of it")
    return Listing(unchanged, changed, len(paths))


def _checked(path: bytes) -> bytes:
    """Refuse a path of which a part is empty or leads elsewhere, or that holds a byte that none has."""
    between = b"/" + path + b"/"
    if b"//" in between or b"/./" in between or b"/../" in between or b"\0" in path:
        raise MigrationError("rsync names something outside of what it received")
    return path
