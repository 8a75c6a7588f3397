"""Read an export file from outside: the index first, then every tree in one pass, each entry checked before a disk.

`index.yaml` is the one source of truth. A `backup.yaml` beside it must agree, and is used only by old files whose index
has no `config`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from holdfast.archive.definition import Definition, from_config
from holdfast.archive.export_index import ExportIndex, index_of
from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import BACKUP_YAML, INDEX, INDEX_CAP_BYTES, Layout
from holdfast.archive.manifest import ManifestCheck
from holdfast.archive.members import BLOCK, Kind, Member
from holdfast.archive.optimized import StreamPlace
from holdfast.archive.parts import PartMembers, Parts
from holdfast.archive.stream_members import Receive, StreamMembers
from holdfast.archive.tarstream import TarStream, open_tar
from holdfast.archive.tree_members import Adder, OpenedTree, TreeMembers
from holdfast.archive.unpack import unpacking
from holdfast.model.errors import ArchiveError, BadRequestError, CancelledOperationError
from holdfast.model.kinds import InstanceType
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


@dataclass(slots=True)
class TakenPart:
    """What was found of a part: an instance's `backup.yaml`, if it has one; or where streams belong."""

    main_document: bytes | None = None
    places: Sequence[StreamPlace] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PartTarget:
    """Where a part goes: its trees to directories that `open_tree` makes, or its streams to what `receive` opens.

    `open_tree` is called once for each snapshot (by name) and for the main tree (None), in the file's order, and
    returns an empty directory.
    """

    open_tree: OpenTree | None = None
    receive: Receive | None = None


def unpack_export(
    source: Source,
    index: ExportIndex,
    open_tree: OpenTree,
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> bytes | None:
    """Unpack every tree of the instance or volume and return the `backup.yaml` of an instance, if it has one.

    As `take_export`, which looks only at what is attached then.
    """
    targets = [PartTarget(open_tree=open_tree)]
    taken = take_export(source, index, targets, limit_bytes=limit_bytes, progress=progress, cancelled=cancelled)
    return taken[0].main_document


def receive_export(
    source: Source,
    index: ExportIndex,
    receive: Receive,
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> Sequence[StreamPlace]:
    """Hand every stream of an optimized file to what `receive` opens for it, and return where they belong.

    As `unpack_export`; a file that isn't what its index says shows when it was read to its end.
    """
    targets = [PartTarget(receive=receive)]
    taken = take_export(source, index, targets, limit_bytes=limit_bytes, progress=progress, cancelled=cancelled)
    return taken[0].places


def take_export(
    source: Source,
    index: ExportIndex,
    targets: Sequence[PartTarget],
    *,
    limit_bytes: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> list[TakenPart]:
    """Bring the parts of the file, in their order, to their targets; those that have none are only looked at.

    `progress` gets the bytes of the file read so far, `limit_bytes` bounds the unpacked size. Raises `ArchiveError`
    unless the file holds exactly what its index says, to its very end.
    """
    with _opened(source) as file:
        check = ManifestCheck()
        stream = open_tar(file, limit_bytes, check)
        tick = _ticking(file, progress, cancelled)
        wanted = [*targets, *(PartTarget() for _ in index.parts[len(targets) :])]
        taken = [TakenPart() for _ in index.parts]
        opened = [
            partial(_taking, part, target, found, tick)
            for part, target, found in zip(index.parts, wanted, taken, strict=True)
        ]
        with Parts(opened) as parts:
            for member in check.members(stream):
                parts.take(member, stream)
            parts.finish()
    return taken


@contextmanager
def _taking(
    index: ExportIndex, target: PartTarget, found: TakenPart, tick: Callable[[], None]
) -> Iterator[PartMembers]:
    """Open what takes a part."""
    if target.receive is not None:
        streams = StreamMembers(index.layout, index.snapshots, target.receive, tick)
        yield streams
        found.places = streams.places
    elif target.open_tree is not None:
        with TreeMembers(index, _unpacking_to(target.open_tree, tick)) as trees:
            yield trees
        found.main_document = trees.main_document
    else:
        with _looking(index, [], None, tick) as members:
            yield members


def _unpacking_to(open_tree: OpenTree, tick: Callable[[], None]) -> Callable[[str | None], OpenedTree]:
    @contextmanager
    def opened(snapshot: str | None) -> Iterator[tuple[HostMap | None, Adder]]:
        target = open_tree(snapshot)
        with unpacking(target.path, tick) as unpacker:
            yield target.host_map, unpacker

    return opened


@dataclass(slots=True)
class TreeFacts:
    """What a tree holds: `size_bytes` is what its files take in the archive."""

    snapshot: str | None
    entries: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedExport:
    """What a file that broke no rule holds; other programs write no manifest. `trees` has a list for each part."""

    index: ExportIndex
    trees: Sequence[Sequence[TreeFacts]]
    manifest: BackupManifest | None


Visit = Callable[[str | None, Member, TarStream], None]
"""Is called with the snapshot (None: the main tree) and each of its entries, whose data the stream stands at."""
Visitor = Callable[[ExportIndex], Sequence[Visit | None]]
"""Is told the index; returns for each part what is to see its entries, None for nothing."""


def verify_export(
    file: Told,
    *,
    visitor: Visitor | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> VerifiedExport:
    """Read a file to its end by the same rules, without unpacking it; its index stands first.

    `progress` gets the bytes of the file read so far. Raises `ArchiveError` for what breaks a rule.
    """
    tick = _ticking(file, progress, cancelled)
    check = ManifestCheck()
    stream = open_tar(file, tap=check)
    index, trees = _look_through(stream, check.members(stream), visitor, tick)
    return VerifiedExport(index, trees, check.manifest)


def _look_through(
    stream: TarStream, members: Iterator[Member], visitor: Visitor | None, tick: Callable[[], None]
) -> tuple[ExportIndex, Sequence[Sequence[TreeFacts]]]:
    first = next(members, None)
    if first is None or first.name != INDEX.encode() or first.kind is not Kind.FILE:
        raise ArchiveError("Backup does not begin with index.yaml")
    index = index_of(stream.read_data(INDEX_CAP_BYTES, INDEX))
    if index.type == InstanceType.VIRTUAL_MACHINE.value:
        raise ArchiveError("The backup holds a virtual machine, which this server can neither import nor check")
    visits = [None] * len(index.parts) if visitor is None else visitor(index)
    found: list[list[TreeFacts]] = [[] for _ in index.parts]
    opened = [
        partial(_looking, part, facts, visit, tick)
        for part, facts, visit in zip(index.parts, found, visits, strict=True)
    ]
    with Parts(opened) as parts:
        parts.take(first, stream)
        for member in members:
            parts.take(member, stream)
        parts.finish()
    return index, found


@contextmanager
def _looking(
    index: ExportIndex, found: list[TreeFacts], visit: Visit | None, tick: Callable[[], None]
) -> Iterator[PartMembers]:
    """Open what looks at a part, and counts."""
    if index.is_optimized:
        if visit is not None:
            raise BadRequestError(
                f'The file holds streams of "{index.backend}", out of which single files can\'t be taken: '
                "import it under another name to get at them"
            )
        found.extend(TreeFacts(name) for name in (*index.snapshots, None))
        yield StreamMembers(index.layout, index.snapshots, _counting(index, found), tick)
        return

    def opened(snapshot: str | None) -> OpenedTree:
        found.append(TreeFacts(snapshot))
        return nullcontext((None, _Looker(tick, found[-1], visit)))

    with TreeMembers(index, opened) as trees:
        yield trees


def _counting(index: ExportIndex, found: Sequence[TreeFacts]) -> Receive:
    """Look at the frame of each stream of btrfs and zfs; those of other drivers are taken as they are."""
    facts = {each.snapshot: each for each in found}

    @contextmanager
    def receive(_: int, place: StreamPlace) -> Iterator[Sink]:
        counter = _Counter(facts[place.snapshot])
        if index.backend == "btrfs":
            frame: SendStreamCheck | ReplayCheck = SendStreamCheck(counter, place.stream_name)
        elif index.backend == "zfs":
            frame = ReplayCheck(lambda _: counter)
        else:
            yield counter
            return
        yield frame
        frame.finish()

    return receive


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
