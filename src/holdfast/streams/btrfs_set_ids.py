"""Set-id bits that a difference of `btrfs send` would lose: put back by commands of our own before its end.

`chown` takes a file's set-id bits away. A difference has the new owner of a file, but its mode only if that is another
one than before; so whoever receives it loses the bits where the owner alone has changed. Files are followed by their
names, as a difference renames what is in the way of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

RENAME, LINK, UNLINK, CHMOD, CHOWN = 9, 10, 11, 18, 19
MODE, PATH, NEW_PATH, LINK_PATH = 5, 15, 16, 17

_EARLIER_CAP: Final = 10_000
"""So many commands are kept in the hope that the base needn't be walked through; each new file is one."""

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
        self._names: _Names | None = None
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
        elif command in _NAMING and self._names is not None:
            self._names.change(command, values)
        elif command in _NAMING:
            self._earlier.append((command, values))
            if len(self._earlier) >= _EARLIER_CAP:
                self._known()

    def missing(self) -> dict[bytes, int]:
        """Return the modes to set at the end of the difference, by the paths that files have then."""
        found, lost = {}, dict(self._lost)
        for path, (inode, _) in self._names.files() if self._names is not None else ():
            if inode in lost:
                found[path] = lost.pop(inode)
        return found

    def _lose(self, path: bytes) -> None:
        found = self._known().at(path)
        if isinstance(found, tuple):
            inode, mode = found
            self._lost[inode] = mode

    def _known(self) -> _Names:
        """Return the files as they are called by now."""
        if self._names is None:
            self._names = _Names(self._ask())
            for command, values in self._earlier:
                self._names.change(command, values)
            self._earlier.clear()
        return self._names


_File = tuple[int, int]
_Folder = dict[bytes, "_File | _Folder"]


class _Names:
    """The files by their names, a dictionary for each directory: renaming one with all that is in it is one step."""

    def __init__(self, files: Files) -> None:
        self._top: _Folder = {}
        for path, file in files.items():
            self._put(path, file)

    def at(self, path: bytes) -> _File | _Folder | None:
        folder, name = self._folder(path)
        return None if folder is None else folder.get(name)

    def change(self, command: int, values: Values) -> None:
        """Follow a command that gives or takes names."""
        path = values.get(PATH, b"")
        if command == UNLINK:
            self._take(path)
        elif command == LINK:
            file = self.at(values.get(LINK_PATH, b""))
            if isinstance(file, tuple):
                self._put(path, file)
        elif (moved := self._take(path)) is not None:
            self._put(values.get(NEW_PATH, b""), moved)

    def files(self) -> Iterator[tuple[bytes, _File]]:
        left: list[tuple[bytes, _Folder]] = [(b"", self._top)]
        while left:
            above, folder = left.pop()
            for name, found in folder.items():
                if isinstance(found, tuple):
                    yield above + name, found
                else:
                    left.append((above + name + b"/", found))

    def _take(self, path: bytes) -> _File | _Folder | None:
        folder, name = self._folder(path)
        return None if folder is None else folder.pop(name, None)

    def _put(self, path: bytes, what: _File | _Folder) -> None:
        folder = self._top
        *above, name = path.split(b"/")
        for each in above:
            inside = folder.get(each)
            if not isinstance(inside, dict):
                inside = folder[each] = {}
            folder = inside
        folder[name] = what

    def _folder(self, path: bytes) -> tuple[_Folder | None, bytes]:
        folder = self._top
        *above, name = path.split(b"/")
        for each in above:
            inside = folder.get(each)
            if not isinstance(inside, dict):
                return None, name
            folder = inside
        return folder, name
