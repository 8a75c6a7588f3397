"""The members of an export, each handed to the part it belongs to: the instance or volume, then each attached volume.

A part comes as a whole, and in the order of the index. What is below `backup/attached/<number>` is handed on under the
name that it has in a volume's own file, so that one set of rules is kept by both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

from holdfast.archive.layout import ATTACHED, INDEX, place_in_attached
from holdfast.archive.members import Kind, Member, printable
from holdfast.archive.tarstream import TarStream
from holdfast.model.errors import ArchiveError


class PartMembers(Protocol):
    """Takes the members of one part."""

    def take(self, member: Member, stream: TarStream) -> None: ...
    def check_complete(self) -> None: ...


OpenPart = Callable[[], AbstractContextManager[PartMembers]]
"""Opens what takes a part; at its end all that was taken is where it belongs."""


@dataclass(slots=True)
class _Current:
    number: int
    members: PartMembers
    stack: ExitStack


class Parts:
    """Takes the members of the file one after the other; one part is open at a time."""

    def __init__(self, parts: Sequence[OpenPart]) -> None:
        self._parts = parts
        self._current: _Current | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._current is not None:
            self._current.stack.__exit__(kind, error, trace)

    def take(self, member: Member, stream: TarStream) -> None:
        """Take the member that the stream stands at."""
        if self._is_folder(member):
            return
        number, inside = self._place(member)
        self._open(number, member)
        assert self._current is not None
        self._current.members.take(inside, stream)

    def finish(self) -> None:
        """Close the last part; raise `ArchiveError` if something of any part wasn't there."""
        while self._current is None or self._current.number + 1 < len(self._parts):
            self._next()
        self._close()

    def _is_folder(self, member: Member) -> bool:
        """Tell whether it is the directory above the attached volumes: some writers put it in, it says nothing."""
        return len(self._parts) > 1 and member.kind is Kind.DIRECTORY and member.name == ATTACHED.encode()

    def _place(self, member: Member) -> tuple[int, Member]:
        if len(self._parts) == 1 or not member.name.startswith(ATTACHED.encode() + b"/"):
            return 0, member
        found = place_in_attached(member.name)
        if found is None or found[1] == INDEX.encode():
            raise ArchiveError(f'Entry "{printable(member.name)}" does not belong into a backup with volumes')
        number, name = found
        if number + 1 >= len(self._parts):
            raise ArchiveError(f'Entry "{printable(member.name)}" is of a volume that the index does not list')
        if member.kind is not Kind.HARD_LINK:
            return number + 1, replace(member, name=name)
        target = place_in_attached(member.target)
        if target is None or target[0] != number:
            raise ArchiveError("A hard link in the backup leads from one tree into another")
        return number + 1, replace(member, name=name, target=target[1])

    def _open(self, number: int, member: Member) -> None:
        if self._current is not None and number < self._current.number:
            raise ArchiveError(f'Entry "{printable(member.name)}" comes after another part of the backup has begun')
        while self._current is None or self._current.number < number:
            self._next()

    def _next(self) -> None:
        """Close the open part, which must be complete, and open the one after it."""
        number = 0 if self._current is None else self._current.number + 1
        self._close()
        stack = ExitStack()
        self._current = _Current(number, stack.enter_context(self._parts[number]()), stack)

    def _close(self) -> None:
        if self._current is not None:
            current, self._current = self._current, None
            current.stack.close()
            current.members.check_complete()
