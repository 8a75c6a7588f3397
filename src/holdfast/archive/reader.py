"""Read an export file from outside: the index first, then every tree in one pass, each entry checked before a disk.

`index.yaml` is the one source of truth. A `backup.yaml` beside it must agree, and is used only by old files whose index
has no `config`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from holdfast.archive.definition import Definition, from_config
from holdfast.archive.export_index import ExportIndex, index_of
from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import BACKUP_YAML, INDEX, INDEX_CAP_BYTES, Layout
from holdfast.archive.manifest import ManifestCheck
from holdfast.archive.members import BLOCK, Kind, Member
from holdfast.archive.optimized import StreamPlace
from holdfast.archive.stream_members import Receive, StreamMembers
from holdfast.archive.tarstream import TarStream, open_tar
from holdfast.archive.tree_members import Adder, OpenedTree, TreeMembers
from holdfast.archive.unpack import unpacking
from holdfast.model.errors import ArchiveError, BadRequestError, CancelledOperationError
from holdfast.streams.btrfs_stream import SendStreamCheck
from holdfast.streams.copy import Cancelled, Progress, Sink, never
from holdfast.streams.growing import ArrivingFile
from holdfast.streams.headed import Readable
from holdfast.streams.zfs_stream import ReplayCheck
from holdfast.wire.backup_index import IndexFormatError, parse_backup_config
from holdfast.wire.backup_manifest import BackupManifest

_INDEX_REACH_BYTES: Final = 64 * 1024 * 1024
"""How far an index is looked for: a few kilobytes can unpack to days of zeros."""


@dataclass(frozen=True, slots=True)
class TreeTarget:
    """Where a tree is unpacked to, and the id map it was stored with (None: with the ids seen inside)."""

    path: Path
    host_map: HostMap | None = None


class Told(Readable, Protocol):
    """What can be read, and tells how far it was."""

    def tell(self) -> int: ...


Source = Path | ArrivingFile
OpenTree = Callable[[str | None], TreeTarget]


def read_index(source: Source, *, limit_bytes: int | None = None) -> ExportIndex:
    """Return the index of the file, which every writer puts at its beginning; the rest is not looked at."""
    seen_bytes = 0
    with _opened(source) as file:
        stream = open_tar(file, limit_bytes)
        for member in stream:
            seen_bytes += BLOCK + member.size_bytes
            if seen_bytes > _INDEX_REACH_BYTES:
                raise ArchiveError("Backup has no index.yaml at its beginning")
            if member.name == INDEX.encode():
                if member.kind is not Kind.FILE:
                    raise ArchiveError("backup/index.yaml is no plain file")
                return index_of(stream.read_data(INDEX_CAP_BYTES, INDEX))
    raise ArchiveError("Backup is missing index.yaml")


def read_main_document(source: Source, *, limit_bytes: int | None = None) -> bytes:
    """Return the instance's `backup.yaml` out of an old file, whose index has no `config`."""
    wanted = f"{Layout.INSTANCE.main}/{BACKUP_YAML}".encode()
    with _opened(source) as file:
        stream = open_tar(file, limit_bytes)
        for member in stream:
            if member.name == wanted and member.kind is Kind.FILE:
                return stream.read_data(INDEX_CAP_BYTES, BACKUP_YAML)
    raise ArchiveError("Backup config is missing")


def read_backup_config(document: bytes, *, pool: str) -> Definition:
    """Read a `backup.yaml`."""
    try:
        return from_config(parse_backup_config(document), pool=pool)
    except IndexFormatError as error:
        raise ArchiveError(f"backup.yaml is not valid: {error}") from error


def unpack_export(
    source: Source,
    index: ExportIndex,
    open_tree: OpenTree,
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> bytes | None:
    """Unpack every tree of the file and return the `backup.yaml` of the instance, if it has one.

    `open_tree` is called once for each snapshot (by name) and for the main tree (None), in the file's order, and
    returns an empty directory. `progress` gets the bytes of the file read so far, `limit_bytes` bounds the unpacked
    size. Raises `ArchiveError` unless the file holds exactly what its index says, to its very end.
    """
    with _opened(source) as file:
        check = ManifestCheck()
        stream = open_tar(file, limit_bytes, check)
        tick = _ticking(file, progress, cancelled)

        @contextmanager
        def opened(snapshot: str | None) -> Iterator[tuple[HostMap | None, Adder]]:
            target = open_tree(snapshot)
            with unpacking(target.path, tick) as unpacker:
                yield target.host_map, unpacker

        with TreeMembers(index, opened) as trees:
            for member in check.members(stream):
                trees.take(member, stream)
    trees.check_complete()
    return trees.main_document


def receive_export(
    source: Source,
    index: ExportIndex,
    receive: Receive,
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> list[StreamPlace]:
    """Hand every stream of an optimized file to what `receive` opens for it, and return where they belong.

    As `unpack_export`; a file that isn't what its index says shows when it was read to its end.
    """
    with _opened(source) as file:
        check = ManifestCheck()
        stream = open_tar(file, limit_bytes, check)
        tick = _ticking(file, progress, cancelled)

        streams = StreamMembers(index.layout, index.snapshots, receive, tick)
        for member in check.members(stream):
            streams.take(member, stream)
    streams.check_complete()
    return streams.places


@dataclass(slots=True)
class TreeFacts:
    """What a tree holds: `size_bytes` is what its files take in the archive."""

    snapshot: str | None
    entries: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedExport:
    """What a file that broke no rule holds; other programs write no manifest."""

    index: ExportIndex
    trees: list[TreeFacts]
    manifest: BackupManifest | None


Visit = Callable[[str | None, Member, TarStream], None]
"""Is called with the snapshot (None: the main tree) and each of its entries, whose data the stream stands at."""


def verify_export(
    file: Told,
    *,
    visitor: Callable[[ExportIndex], Visit] | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> VerifiedExport:
    """Read a file to its end by the same rules, without unpacking it; its index stands first.

    `visitor` is told the index, and returns what is to see the entries. `progress` gets the bytes of the file read so
    far. Raises `ArchiveError` for what breaks a rule.
    """
    tick = _ticking(file, progress, cancelled)
    check = ManifestCheck()
    stream = open_tar(file, tap=check)
    index, trees = _look_through(stream, check.members(stream), visitor, tick)
    return VerifiedExport(index, trees, check.manifest)


def _look_through(
    stream: TarStream,
    members: Iterator[Member],
    visitor: Callable[[ExportIndex], Visit] | None,
    tick: Callable[[], None],
) -> tuple[ExportIndex, list[TreeFacts]]:
    first = next(members, None)
    if first is None or first.name != INDEX.encode() or first.kind is not Kind.FILE:
        raise ArchiveError("Backup does not begin with index.yaml")
    index = index_of(stream.read_data(INDEX_CAP_BYTES, INDEX))
    if index.is_optimized:
        if visitor is not None:
            raise BadRequestError(
                f'The file holds streams of "{index.backend}", out of which single files can\'t be taken: '
                "import it under another name to get at them"
            )
        return index, _look_through_streams(stream, members, index, tick)
    visit = None if visitor is None else visitor(index)
    found: list[TreeFacts] = []

    def opened(snapshot: str | None) -> OpenedTree:
        found.append(TreeFacts(snapshot))
        return nullcontext((None, _Looker(tick, found[-1], visit)))

    with TreeMembers(index, opened) as trees:
        trees.take(first, stream)
        for member in members:
            trees.take(member, stream)
    trees.check_complete()
    return index, found


def _look_through_streams(
    stream: TarStream, members: Iterator[Member], index: ExportIndex, tick: Callable[[], None]
) -> list[TreeFacts]:
    """Look at the frame of each stream of btrfs and zfs; those of other drivers are taken as they are."""
    found = {name: TreeFacts(name) for name in (*index.snapshots, None)}

    @contextmanager
    def receive(_: int, place: StreamPlace) -> Iterator[Sink]:
        counter = _Counter(found[place.snapshot])
        if index.backend == "btrfs":
            frame: SendStreamCheck | ReplayCheck = SendStreamCheck(counter, place.stream_name)
        elif index.backend == "zfs":
            frame = ReplayCheck(lambda _: counter)
        else:
            yield counter
            return
        yield frame
        frame.finish()

    streams = StreamMembers(index.layout, index.snapshots, receive, tick)
    for member in members:
        streams.take(member, stream)
    streams.check_complete()
    return list(found.values())


class _Counter:
    """Takes bytes and counts them."""

    def __init__(self, facts: TreeFacts) -> None:
        self._facts = facts
        facts.entries += 1

    def write(self, data: memoryview | bytes, /) -> int:
        self._facts.size_bytes += len(data)
        return len(data)


class _Looker:
    """Takes entries, counts them and shows them to who wants to see them."""

    def __init__(self, tick: Callable[[], None], facts: TreeFacts, visit: Visit | None) -> None:
        self._tick, self._facts, self._visit = tick, facts, visit

    def add(self, member: Member, stream: TarStream) -> None:
        self._tick()
        self._facts.entries += 1
        self._facts.size_bytes += member.size_bytes
        if self._visit is not None:
            self._visit(self._facts.snapshot, member, stream)


def _opened(source: Source) -> BinaryIO:
    return source.open("rb", buffering=0) if isinstance(source, Path) else source.open()


def _ticking(file: Told, progress: Progress | None, cancelled: Cancelled) -> Callable[[], None]:
    """Return what is called again and again: it hears the wish to end, and tells how far the file was read."""

    def tick() -> None:
        if cancelled():
            raise CancelledOperationError("The operation was cancelled")
        if progress is not None:
            progress(file.tell())

    return tick
