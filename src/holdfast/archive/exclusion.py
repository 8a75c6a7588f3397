"""Paths of a root file system that an export leaves out.

    /var/cache/apt     this path, and all below it
    *.log              this name in every directory
    build/*.o          these two names, one below the other, in every directory
    /srv/**/tmp/       `**`: any directories between; a slash at the end: directories only

`*` stands for any letters but the slash, `?` for one, `[a-z]` for one of a set. Paths are matched name by name on the
way down, so that no pattern, however hostile, makes the walk slow.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.model.errors import BadRequestError

MOST_PATTERNS: Final = 1000
LONGEST_PATTERN: Final = 4096
_ANY_DEPTH: Final = "**"

_Name = re.Pattern[str] | None
"""One name of a pattern; None is `**`."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    names: tuple[_Name, ...]
    only_directories: bool


_State = tuple[int, int]
"""A pattern, and how many of its names are matched."""


class Exclusion:
    """A set of patterns."""

    def __init__(self, patterns: Sequence[_Pattern]) -> None:
        self._patterns = tuple(patterns)

    @classmethod
    def parse(cls, patterns: Sequence[str]) -> Exclusion:
        """Read the patterns; raise `BadRequestError` for one that means nothing."""
        if len(patterns) > MOST_PATTERNS:
            raise BadRequestError(f"More than {MOST_PATTERNS} patterns to exclude")
        return cls([_parse(pattern) for pattern in patterns])

    def find(self, root: Path) -> Iterator[str]:
        """Yield what matches below the directory, as paths relative to it; what is below a match is not looked at.

        What vanishes meanwhile is passed over.
        """
        start = self._closure({(number, 0) for number in range(len(self._patterns))})
        waiting: list[tuple[str, frozenset[_State]]] = [("", start)]
        while waiting:
            directory, states = waiting.pop()
            for name, is_directory in _entries(os.path.join(root, directory)):
                path = f"{directory}/{name}" if directory else name
                after = self._advance(states, name)
                if self._matches(after, is_directory=is_directory):
                    yield path
                elif is_directory and after:
                    waiting.append((path, after))

    def _advance(self, states: frozenset[_State], name: str) -> frozenset[_State]:
        found: set[_State] = set()
        for number, position in states:
            names = self._patterns[number].names
            if position == len(names):
                continue
            wanted = names[position]
            if wanted is None:
                found.add((number, position))
            elif wanted.fullmatch(name):
                found.add((number, position + 1))
        return self._closure(found)

    def _closure(self, states: set[_State]) -> frozenset[_State]:
        """Add what is reached by letting a `**` stand for no directory at all."""
        found = set(states)
        for number, position in states:
            names = self._patterns[number].names
            while position < len(names) and names[position] is None:
                position += 1
                found.add((number, position))
        return frozenset(found)

    def _matches(self, states: frozenset[_State], *, is_directory: bool) -> bool:
        return any(
            position == len(self._patterns[number].names)
            and (is_directory or not self._patterns[number].only_directories)
            for number, position in states
        )


def _parse(text: str) -> _Pattern:
    shown = text[:100]
    if not text.strip("/") or "\0" in text or len(text) > LONGEST_PATTERN:
        raise BadRequestError(
            f'Invalid pattern to exclude "{shown}": Give a path or a name such as /var/cache or *.log'
        )
    names = text.strip("/").split("/")
    if any(name in ("", ".", "..") for name in names):
        raise BadRequestError(f'Invalid pattern to exclude "{shown}": It holds an empty name, "." or ".."')
    if names[-1] == _ANY_DEPTH:
        raise BadRequestError(f'Invalid pattern to exclude "{shown}": A name must follow "**"')
    if not text.startswith("/"):
        names.insert(0, _ANY_DEPTH)
    compiled = tuple(None if name == _ANY_DEPTH else re.compile(fnmatch.translate(name)) for name in names)
    return _Pattern(compiled, only_directories=text.endswith("/"))


def _entries(directory: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(directory) as found:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    except (FileNotFoundError, NotADirectoryError):
        return []
