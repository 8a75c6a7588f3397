"""What differs between two trees: entries that were added, changed or removed, by what the file system tells of them.

Content isn't read. A file counts as changed when its size, time of modification, mode, owner, target or device differ,
or, where the trees are snapshots of one another (the same inode), the time at which anything of it was changed last.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from holdfast.host.beneath import beneath, join

_KINDS: Final = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


class Change(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two trees: an open directory, and what its ids on disk are more than those seen inside."""

    root: int
    id_base: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One entry. `path` is relative to the roots; a size is that of a file, None for what is none or isn't there.

    `what` says what of a changed one: "type", "size", "time", "mode", "owner", "target", "device", "attributes".
    """

    path: bytes
    change: Change
    kind: str
    old_bytes: int | None
    new_bytes: int | None
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pair:
    path: bytes
    before: os.stat_result | None
    after: os.stat_result | None


def differences(
    before: Side, after: Side, start: bytes = b"", check: Callable[[int], None] = lambda _: None
) -> Iterator[Difference]:
    """Yield what differs below `start`, a directory of at least one of the trees, in the order of paths.

    What vanishes while it is looked at counts as not there. `check` is called for each directory with the number of
    entries that it has, and may raise to end it.
    """
    waiting = [_Pair(start, None, None)]
    is_first = True
    while waiting:
        pair = waiting.pop()
        if not is_first and (found := _difference(pair, before, after)) is not None:
            yield found
        if not is_first and not (_is_directory(pair.before) or _is_directory(pair.after)):
            continue
        old = _entries(before, pair.path) if is_first or _is_directory(pair.before) else {}
        new = _entries(after, pair.path) if is_first or _is_directory(pair.after) else {}
        is_first = False
        check(len(old) + len(new))
        names = sorted({*old, *new}, key=os.fsencode, reverse=True)
        waiting += [_Pair(join(pair.path, name), old.get(name), new.get(name)) for name in names]


def _entries(side: Side, path: bytes) -> dict[str, os.stat_result]:
    found: dict[str, os.stat_result] = {}
    try:
        with beneath(side.root, path) as directory, os.scandir(directory) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found[entry.name] = entry.stat(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found


def _difference(pair: _Pair, before: Side, after: Side) -> Difference | None:
    old, new = pair.before, pair.after
    if old is None or new is None:
        here = new or old
        assert here is not None
        return Difference(
            path=pair.path,
            change=Change.REMOVED if new is None else Change.ADDED,
            kind=_kind(here),
            old_bytes=_size(old),
            new_bytes=_size(new),
        )
    what = tuple(_what(old, new, before, after, pair.path))
    if not what and _is_touched(old, new):
        what = ("attributes",)
    if not what:
        return None
    return Difference(
        path=pair.path, change=Change.CHANGED, kind=_kind(new), old_bytes=_size(old), new_bytes=_size(new), what=what
    )


def _what(old: os.stat_result, new: os.stat_result, before: Side, after: Side, path: bytes) -> Iterator[str]:
    if stat.S_IFMT(old.st_mode) != stat.S_IFMT(new.st_mode):
        yield "type"
        return
    if stat.S_IMODE(old.st_mode) != stat.S_IMODE(new.st_mode):
        yield "mode"
    if _owner(old, before) != _owner(new, after):
        yield "owner"
    if stat.S_ISDIR(new.st_mode):
        return  # its size and times tell of what is in it, and that is told by itself
    if stat.S_ISREG(new.st_mode):
        yield from _content(old, new)
    elif stat.S_ISLNK(new.st_mode):
        if old.st_mtime_ns != new.st_mtime_ns and _target(before, path) != _target(after, path):
            yield "target"
    elif old.st_rdev != new.st_rdev:
        yield "device"


def _content(old: os.stat_result, new: os.stat_result) -> Iterator[str]:
    if old.st_size != new.st_size:
        yield "size"
    if old.st_mtime_ns != new.st_mtime_ns:
        yield "time"


def _is_touched(old: os.stat_result, new: os.stat_result) -> bool:
    """Tell whether a file that looks the same was changed: its content with the time set back, or its attributes."""
    is_same = old.st_ino == new.st_ino and stat.S_ISREG(new.st_mode) and old.st_nlink == new.st_nlink
    return is_same and old.st_ctime_ns != new.st_ctime_ns


def _owner(found: os.stat_result, side: Side) -> tuple[int, int]:
    return found.st_uid - side.id_base, found.st_gid - side.id_base


def _target(side: Side, path: bytes) -> bytes:
    folder, _, name = path.rpartition(b"/")
    try:
        with beneath(side.root, folder) as directory:
            return os.readlink(name, dir_fd=directory)
    except OSError:
        return b""


def _is_directory(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_ISDIR(found.st_mode)


def _kind(found: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(found.st_mode), "other")


def _size(found: os.stat_result | None) -> int | None:
    return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else None
