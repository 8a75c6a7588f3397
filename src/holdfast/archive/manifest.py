"""The manifest of an export file: written at its end from what went by, checked at its end against what went by.

| bytes                             | checked by                                 |
|-----------------------------------|--------------------------------------------|
| the tar stream before the manifest | the sums of its pieces                     |
| the manifest's header and padding | known to the last byte                     |
| the manifest                      | its last line                              |
| the end mark                      | zeros, and nothing after it                |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from holdfast import __version__
from holdfast.archive.members import Kind, Member, padding, printable
from holdfast.archive.tarstream import TarStream
from holdfast.model.errors import ArchiveError
from holdfast.streams.copy import Sink, write_all
from holdfast.streams.pieces import BASE_PIECE_BYTES, PieceHasher
from holdfast.wire.backup_index import parse_index
from holdfast.wire.backup_manifest import (
    FORMAT,
    BackupManifest,
    ManifestFormatError,
    TreeEntry,
    dump_manifest,
    parse_manifest,
)

MANIFEST: Final = "backup/manifest.yaml"
MANIFEST_CAP_BYTES: Final = 8 * 1024 * 1024
"""The sums take half a MiB at most, names of snapshots as much as they do in an index."""
_TOOL: Final = "holdfast"
_NAMED_PIECES: Final = 3


class HashingSink:
    """Hands bytes on, and hashes them: XXH3 takes less time than handing them to another thread."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self.hasher = sink, PieceHasher()

    def write(self, data: memoryview | bytes, /) -> int:
        """Take all of the data."""
        self.hasher.update(data)
        write_all(self._sink, data)
        return len(data)


def manifest_member(hasher: PieceHasher, index: bytes, trees: Sequence[tuple[str, int]], now: datetime) -> bytes:
    """Return the member's bytes for a stream that has gone by; `trees` are its parts and their sizes."""
    known = parse_index(index)
    document = dump_manifest(
        BackupManifest(
            format=FORMAT,
            tool=_TOOL,
            version=__version__,
            created_at=f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            name=known.name or "",
            type=known.type or "container",
            snapshots=[name or "" for name in known.snapshots or []],
            trees=[TreeEntry(name=name, bytes=size) for name, size in trees],
            stream_bytes=hasher.position,
            piece_bytes=hasher.piece_bytes,
            pieces=hasher.pieces(),
        )
    )
    return _header(len(document), int(now.timestamp())) + document + padding(len(document))


def _header(size_bytes: int, mtime_s: int) -> bytes:
    name = MANIFEST.encode()
    return Member(name=name, kind=Kind.FILE, mode=0o400, size_bytes=size_bytes, mtime_s=mtime_s).encode()


class ManifestCheck:
    """Watches a tar stream (it is the tap of a `TarStream`) and holds it against the manifest at its end.

    `manifest` is None for a file without one, as other programs write them.
    """

    def __init__(self) -> None:
        self.manifest: BackupManifest | None = None
        self._hasher = PieceHasher()
        self._held = bytearray()
        self._is_past = False
        self._places = _Places()

    # --- the tap ------------------------------------------------------------------------------------------------------

    def header(self, data: bytes) -> None:
        """Take bytes of an entry's headers: they are held until it is known whether it is the manifest."""
        if not self._is_past:
            self._held += data

    def data(self, data: memoryview | bytes) -> None:
        if not self._is_past:
            self._release()
            self._hasher.update(data)

    # --- reading ------------------------------------------------------------------------------------------------------

    def members(self, stream: TarStream) -> Iterator[Member]:
        """Yield the members of the stream apart from the manifest; raise `ArchiveError` for what it shows as wrong."""
        for member in stream:
            if self._is_past:
                raise ArchiveError("Backup goes on after its manifest")
            self._places.enter(member.name, self._hasher.position)
            if member.name == MANIFEST.encode():
                self._check(member, stream)
                continue
            yield member
            self._release()
        if self.manifest is not None and stream.trailing_bytes:
            raise ArchiveError("The archive goes on after its end mark")

    def _check(self, member: Member, stream: TarStream) -> None:
        header, self._held, self._is_past = bytes(self._held), bytearray(), True
        document = stream.read_data(MANIFEST_CAP_BYTES, MANIFEST)
        is_known = member.kind is Kind.FILE and header == _header(len(document), member.mtime_s)
        if not is_known or stream.read_padding().strip(b"\0"):
            raise ArchiveError("The header of the backup's manifest is damaged")
        try:
            manifest = parse_manifest(document)
        except ManifestFormatError as error:
            raise ArchiveError(f"The backup's manifest is damaged: {error}") from error
        if manifest.stream_bytes != self._hasher.position:
            raise ArchiveError(
                f"The backup is damaged: it holds {self._hasher.position} bytes where its manifest tells of "
                f"{manifest.stream_bytes}"
            )
        self._compare(manifest, self._hasher)
        self.manifest = manifest

    def _compare(self, manifest: BackupManifest, hasher: PieceHasher) -> None:
        found = hasher.pieces()
        if manifest.piece_bytes != hasher.piece_bytes or len(found) != len(manifest.pieces):
            raise ArchiveError("The backup's manifest has other pieces than a stream of its size")
        bad = [number for number, digest in enumerate(found) if digest != manifest.pieces[number]]
        if bad:
            shown = [self._described(number * hasher.piece_bytes, hasher.piece_bytes) for number in bad[:_NAMED_PIECES]]
            more = f"; and {len(bad) - len(shown)} pieces more" if len(bad) > len(shown) else ""
            raise ArchiveError(f"The backup is damaged: {'; '.join(shown)}{more}")

    def _described(self, begin: int, size: int) -> str:
        end = min(begin + size, self._hasher.position)
        first, last = self._places.entries(begin, end)
        names = first if first == last else f"{first} to {last}"
        return f"bytes {begin} to {end - 1} of the tar stream are not those that were written ({names})"

    def _release(self) -> None:
        if self._held:
            held, self._held = self._held, bytearray()
            self._hasher.update(held)


class _Places:
    """Remembers roughly which entries stand where in a stream of any size."""

    _MOST: Final = 8192

    def __init__(self) -> None:
        self._step_bytes = BASE_PIECE_BYTES
        self._names: list[bytes] = []
        """The entry that each step begins in."""
        self._last = b""

    def enter(self, name: bytes, begin: int) -> None:
        """Take the next entry; its header begins there."""
        while len(self._names) * self._step_bytes < begin:
            self._names.append(self._last)
        self._last = name
        if len(self._names) > self._MOST:
            self._names, self._step_bytes = self._names[::2], 2 * self._step_bytes

    def entries(self, begin: int, end: int) -> tuple[str, str]:
        """Return the first and the last entry that the bytes may belong to."""
        names = [*self._names, self._last]
        first, last = begin // self._step_bytes, -(-end // self._step_bytes)
        return printable(names[min(first, len(names) - 1)]), printable(names[min(last, len(names) - 1)])
