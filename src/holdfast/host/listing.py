"""List a tree, directory by directory, with all that belongs to each entry; no link is followed, no mount crossed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from holdfast.host.beneath import beneath, join
from holdfast.host.file_copy import read_attributes
from holdfast.host.tree_copy import VANISHED

_MAY_BE_GONE: Final = (*VANISHED, errno.ENODATA)


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry of a directory; `target` is what a symbolic link says."""

    name: str
    facts: os.stat_result
    attributes: dict[str, bytes]
    target: bytes = b""

    @property
    def attribute_bytes(self) -> int:
        if not self.attributes:  # nearly always
            return 0
        return sum(len(name) + len(value) for name, value in self.attributes.items())


@dataclass(frozen=True, slots=True)
class ListedDirectory:
    """Some of a directory's entries; the last of them come with `is_complete`."""

    path: bytes
    itself: ListedEntry
    entries: list[ListedEntry]
    is_complete: bool


def list_tree(root: int, entries_at_once: int, attribute_bytes_at_once: int) -> Iterator[ListedDirectory]:
    """Yield each directory below the descriptor `root`, that itself as b"" first, none before the one it is in.

    Of a directory with more than `entries_at_once`, or with more bytes of extended attributes, a part at a time. What
    vanishes meanwhile is left out.
    """
    limits = entries_at_once, attribute_bytes_at_once
    todo = [b""]
    while todo:
        path = todo.pop()
        try:
            with beneath(root, path) as here:
                yield from _directory(here, path, limits, todo)
        except OSError as error:
            if error.errno not in VANISHED or not path:
                raise


def _directory(here: int, path: bytes, limits: tuple[int, int], todo: list[bytes]) -> Iterator[ListedDirectory]:
    itself = ListedEntry("", os.fstat(here), read_attributes(here))
    gathered: list[ListedEntry] = []
    size = itself.attribute_bytes
    with os.scandir(here) as found:
        for each in found:
            entry = _entry(here, each)
            if entry is None:
                continue
            size += entry.attribute_bytes
            if gathered and (len(gathered) == limits[0] or size > limits[1]):
                yield ListedDirectory(path, itself, gathered, is_complete=False)
                gathered, size = [], itself.attribute_bytes + entry.attribute_bytes
            gathered.append(entry)
            if stat.S_ISDIR(entry.facts.st_mode):
                todo.append(join(path, entry.name))
    yield ListedDirectory(path, itself, gathered, is_complete=True)


def _entry(here: int, found: os.DirEntry[str]) -> ListedEntry | None:
    try:
        facts = found.stat(follow_symlinks=False)
        attributes = read_attributes(f"/proc/self/fd/{here}/{found.name}")
        is_link = stat.S_ISLNK(facts.st_mode)
        target = os.fsencode(os.readlink(found.name, dir_fd=here)) if is_link else b""
    except OSError as error:
        if error.errno in _MAY_BE_GONE:
            return None
        raise
    return ListedEntry(found.name, facts, attributes, target)
