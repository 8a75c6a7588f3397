"""Set-id bits that a difference of `btrfs send` would lose: put back by commands of our own before its end.

`chown` takes a file's set-id bits away. A difference has the new owner of a file, but its mode only if that is another
one than before; so whoever receives it loses the bits where the owner alone has changed. Files are followed by their
names, as a difference renames what is in the way of others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

RENAME, LINK, UNLINK, CHMOD, CHOWN = 9, 10, 11, 18, 19
MODE, PATH, NEW_PATH, LINK_PATH = 5, 15, 16, 17

Files = Mapping[bytes, tuple[int, int]]
"""Inode and mode of each file with a set-id bit, by its path."""
Values = Mapping[int, bytes]

_NAMING: Final = frozenset({RENAME, LINK, UNLINK})
FOLLOWED: Final = _NAMING | {CHMOD, CHOWN}
"""The commands whose values are looked at."""


class SetIds:
    """Follows one difference. `files` is asked for those of its base once, if an owner changes without the mode."""

    def __init__(self, files: Callable[[], Files]) -> None:
        self._ask = files
        self._earlier: list[tuple[int, Values]] = []
        self._files: dict[bytes, tuple[int, int]] | None = None
        self._owned: bytes | None = None
        """The file whose owner the last command has changed."""
        self._lost: dict[int, int] = {}

    def follow(self, command: int, values: Values) -> None:
        """Take note of one command of the difference."""
        owned, self._owned = self._owned, None
        if owned is not None and (command, values.get(PATH)) != (CHMOD, owned):
            self._lose(owned)
        if command == CHOWN:
            self._owned = values.get(PATH)
        elif command in _NAMING and self._files is None:
            self._earlier.append((command, values))
        elif command in _NAMING and self._files is not None:
            _name(self._files, command, values)

    def missing(self) -> dict[bytes, int]:
        """Return the modes to set at the end of the difference, by the paths that files have then."""
        found, lost = {}, dict(self._lost)
        for path, (inode, _) in (self._files or {}).items():
            if inode in lost:
                found[path] = lost.pop(inode)
        return found

    def _lose(self, path: bytes) -> None:
        if self._files is None:
            self._files = dict(self._ask())
            for command, values in self._earlier:
                _name(self._files, command, values)
            self._earlier.clear()
        if path in self._files:
            inode, mode = self._files[path]
            self._lost[inode] = mode


def _name(files: dict[bytes, tuple[int, int]], command: int, values: Values) -> None:
    path = values.get(PATH, b"")
    if command == UNLINK:
        files.pop(path, None)
    elif command == LINK and values.get(LINK_PATH, b"") in files:
        files[path] = files[values[LINK_PATH]]
    elif command == RENAME:
        new = values.get(NEW_PATH, b"")
        for old in [each for each in files if each == path or each.startswith(path + b"/")]:
            files[new + old[len(path) :]] = files.pop(old)
