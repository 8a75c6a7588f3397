"""The members of an export in the optimized form, in the one order that they may have: header, then the streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from holdfast.archive.layout import INDEX, INDEX_CAP_BYTES, Layout
from holdfast.archive.members import Kind, Member, printable
from holdfast.archive.optimized import HEADER, StreamPlace, places_of
from holdfast.archive.tarstream import TarStream
from holdfast.model.errors import ArchiveError
from holdfast.streams.copy import Sink, write_all

Receive = Callable[[int, StreamPlace], AbstractContextManager[Sink]]
"""Opens what takes the stream of that number and place."""


class StreamMembers:
    """Takes the members one after the other, and hands each stream to whom it is for."""

    def __init__(self, layout: Layout, snapshots: Sequence[str], receive: Receive, tick: Callable[[], None]) -> None:
        self._layout, self._snapshots = layout, snapshots
        self._receive, self._tick = receive, tick
        self._has_index = False
        self._places: list[StreamPlace] | None = None
        self._taken = 0

    @property
    def places(self) -> list[StreamPlace]:
        """All streams of the file, once it was read to its end."""
        return self._places or []

    def take(self, member: Member, stream: TarStream) -> None:
        """Take the member that the stream stands at."""
        name = member.name.decode(errors="replace")
        if member.kind is Kind.DIRECTORY and name in self._layout.folders:
            return
        if member.kind is not Kind.FILE:
            raise ArchiveError(f'Entry "{printable(member.name)}" of the backup is no plain file')
        if name == INDEX:
            if self._has_index:
                raise ArchiveError("Backup has two index.yaml")
            self._has_index = True
        elif name == HEADER:
            if self._places is not None:
                raise ArchiveError("Backup has two optimized_header.yaml, or one behind its streams")
            self._places = places_of(stream.read_data(INDEX_CAP_BYTES, HEADER), self._layout, self._snapshots)
        else:
            self._take_stream(name, member, stream)

    def check_complete(self) -> None:
        """Raise unless every stream was there."""
        places = self._places if self._places is not None else places_of(None, self._layout, self._snapshots)
        if self._taken < len(places):
            raise ArchiveError(f"Backup is missing {places[self._taken].member}")

    def _take_stream(self, name: str, member: Member, stream: TarStream) -> None:
        if self._places is None:
            self._places = places_of(None, self._layout, self._snapshots)
        wanted = self._places[self._taken] if self._taken < len(self._places) else None
        if wanted is None or name != wanted.member:
            expected = "nothing" if wanted is None else wanted.member
            raise ArchiveError(f'Backup holds "{printable(member.name)}" where {expected} is due')
        with self._receive(self._taken, wanted) as sink:
            stream.copy_data(_Exactly(sink, member.size_bytes, self._tick))
        self._taken += 1


class _Exactly:
    """Hands on so many bytes; what comes after them is padding."""

    def __init__(self, sink: Sink, size_bytes: int, tick: Callable[[], None]) -> None:
        self._sink, self._left, self._tick = sink, size_bytes, tick

    def write(self, data: memoryview | bytes, /) -> int:
        self._tick()
        part = memoryview(data)[: self._left]
        write_all(self._sink, part)
        self._left -= len(part)
        return len(data)
