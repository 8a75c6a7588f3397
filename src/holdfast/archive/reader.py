"""Read an export file from outside: the index first, then every tree in one pass, each entry checked before a disk.

`index.yaml` is the one source of truth. A `backup.yaml` beside it must agree, and is used only by old files whose index
has no `config`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol

from holdfast.archive.definition import Definition, from_config
from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import BACKUP_YAML, INDEX, INDEX_CAP_BYTES, MAIN, SNAPSHOTS
from holdfast.archive.manifest import ManifestCheck
from holdfast.archive.members import BLOCK, Kind, Member, printable
from holdfast.archive.optimized import StreamPlace
from holdfast.archive.stream_members import Receive, StreamMembers
from holdfast.archive.tarfilter import TreeFilter
from holdfast.archive.tarstream import Tap, TarStream
from holdfast.archive.unpack import unpacking
from holdfast.model.errors import ArchiveError, BadRequestError, CancelledOperationError
from holdfast.model.names import check_snapshot_name
from holdfast.streams.btrfs_stream import StreamCheck
from holdfast.streams.compression import MAGIC_BYTES, DecompressedReader, detect
from holdfast.streams.copy import Cancelled, Progress, Sink, never
from holdfast.streams.growing import ArrivingFile
from holdfast.wire.backup_index import BackupConfig, IndexFormatError, parse_backup_config, parse_index
from holdfast.wire.backup_manifest import BackupManifest

_FOLDERS: Final = ("backup", SNAPSHOTS)
_INDEX_REACH_BYTES: Final = 64 * 1024 * 1024
"""How far an index is looked for: a few kilobytes can unpack to days of zeros."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportIndex:
    """What `index.yaml` says: `type` is the file's word ("container", "custom", …); old files have no `definition`."""

    name: str
    backend: str
    pool: str
    type: str
    is_optimized: bool
    snapshots: tuple[str, ...]
    definition: Definition | None
    project: str = ""
    """Where it came from; nothing but a fact to be shown."""


@dataclass(frozen=True, slots=True)
class TreeTarget:
    """Where a tree is unpacked to, and the id map it was stored with (None: with the ids seen inside)."""

    path: Path
    host_map: HostMap | None = None


Source = Path | ArrivingFile
OpenTree = Callable[[str | None], TreeTarget]


def read_index(source: Source, *, limit_bytes: int | None = None) -> ExportIndex:
    """Return the index of the file, which every writer puts at its beginning; the rest is not looked at."""
    seen_bytes = 0
    with _opened(source) as file:
        stream = _stream(file, limit_bytes)
        for member in stream:
            seen_bytes += BLOCK + member.size_bytes
            if seen_bytes > _INDEX_REACH_BYTES:
                raise ArchiveError("Backup has no index.yaml at its beginning")
            if member.name == INDEX.encode():
                if member.kind is not Kind.FILE:
                    raise ArchiveError("backup/index.yaml is no plain file")
                return _index(stream.read_data(INDEX_CAP_BYTES, INDEX))
    raise ArchiveError("Backup is missing index.yaml")


def read_main_document(source: Source, *, limit_bytes: int | None = None) -> bytes:
    """Return the instance's `backup.yaml` out of an old file, whose index has no `config`."""
    wanted = f"{MAIN}/{BACKUP_YAML}".encode()
    with _opened(source) as file:
        stream = _stream(file, limit_bytes)
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
    """Unpack every tree of the file and return the main tree's `backup.yaml`, if it has one.

    `open_tree` is called once for each snapshot (by name) and for the instance (None), in the file's order, and returns
    an empty directory. `progress` gets the bytes of the file read so far, `limit_bytes` bounds the unpacked size.
    Raises `ArchiveError` unless the file holds exactly what its index says, to its very end.
    """
    with _opened(source) as file:
        check = ManifestCheck()
        stream = _stream(file, limit_bytes, check)

        def tick() -> None:
            if cancelled():
                raise CancelledOperationError("The operation was cancelled")
            if progress is not None:
                progress(file.tell())

        @contextmanager
        def opened(snapshot: str | None) -> Iterator[tuple[HostMap | None, _Adder]]:
            target = open_tree(snapshot)
            with unpacking(target.path, tick) as unpacker:
                yield target.host_map, unpacker

        with _Trees(index, opened) as trees:
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
        stream = _stream(file, limit_bytes, check)

        def tick() -> None:
            if cancelled():
                raise CancelledOperationError("The operation was cancelled")
            if progress is not None:
                progress(file.tell())

        streams = StreamMembers(index.snapshots, receive, tick)
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
"""Is called with the snapshot (None: the instance) and each of its entries, whose data the stream stands at."""


def verify_export(
    file: BinaryIO,
    *,
    visitor: Callable[[ExportIndex], Visit] | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> VerifiedExport:
    """Read a file to its end by the same rules, without unpacking it; its index stands first.

    `visitor` is told the index, and returns what is to see the entries. `progress` gets the bytes of the file read so
    far. Raises `ArchiveError` for what breaks a rule.
    """

    def tick() -> None:
        if cancelled():
            raise CancelledOperationError("The operation was cancelled")
        if progress is not None:
            progress(file.tell())

    check = ManifestCheck()
    stream = _stream(file, None, check)
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
    index = _index(stream.read_data(INDEX_CAP_BYTES, INDEX))
    if index.is_optimized:
        if visitor is not None:
            raise BadRequestError(
                f'The file holds streams of "{index.backend}", out of which single files can\'t be taken: '
                "import it under another name to get at them"
            )
        return index, _look_through_streams(stream, members, index, tick)
    visit = None if visitor is None else visitor(index)
    found: list[TreeFacts] = []

    def opened(snapshot: str | None) -> _Opened:
        found.append(TreeFacts(snapshot))
        return nullcontext((None, _Looker(tick, found[-1], visit)))

    with _Trees(index, opened) as trees:
        trees.take(first, stream)
        for member in members:
            trees.take(member, stream)
    trees.check_complete()
    return index, found


def _look_through_streams(
    stream: TarStream, members: Iterator[Member], index: ExportIndex, tick: Callable[[], None]
) -> list[TreeFacts]:
    """Look at the frame of each stream of btrfs; those of other drivers are taken as they are."""
    found = {name: TreeFacts(name) for name in (*index.snapshots, None)}

    @contextmanager
    def receive(_: int, place: StreamPlace) -> Iterator[Sink]:
        counter = _Counter(found[place.snapshot])
        if index.backend != "btrfs":
            yield counter
            return
        check = StreamCheck(counter, place.stream_name)
        yield check
        check.finish()

    streams = StreamMembers(index.snapshots, receive, tick)
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


class _Adder(Protocol):
    def add(self, member: Member, stream: TarStream) -> None: ...


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


_Opened = AbstractContextManager[tuple[HostMap | None, _Adder]]


class _Trees:
    """Routes entries to the tree they belong to; one tree is open at a time, and none is opened twice."""

    def __init__(self, index: ExportIndex, open_tree: Callable[[str | None], _Opened]) -> None:
        self._wanted: set[str | None] = {None, *index.snapshots}
        self._open_tree = open_tree
        self._seen: set[str | None] = set()
        self._current: tuple[str | None, TreeFilter, _Adder] | None = None
        self._stack = ExitStack()
        self._has_index = False
        self.main_document: bytes | None = None

    def __enter__(self) -> _Trees:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def take(self, member: Member, stream: TarStream) -> None:
        if member.name == INDEX.encode():
            if self._has_index:
                raise ArchiveError("Backup has two index.yaml")
            self._has_index = True
            return
        if member.kind is Kind.DIRECTORY and member.name.decode(errors="replace") in _FOLDERS:
            return
        snapshot, inside = _place(member.name)
        tree, unpacker = self._enter(snapshot)
        if inside == BACKUP_YAML.encode():
            self._document(member, snapshot, stream)
            return
        target = _inside_same_tree(member, snapshot)
        admitted = tree.admit(member, inside, target)
        if admitted is not None:
            unpacker.add(admitted, stream)

    def check_complete(self) -> None:
        missing = sorted(name or "the instance" for name in self._wanted - self._seen)
        if missing:
            raise ArchiveError(f"Backup is missing the files of: {', '.join(missing)}")

    def _enter(self, snapshot: str | None) -> tuple[TreeFilter, _Adder]:
        if self._current is not None and self._current[0] == snapshot:
            return self._current[1], self._current[2]
        if snapshot not in self._wanted:
            raise ArchiveError(f'Backup holds a snapshot "{snapshot}" that its index does not list')
        if snapshot in self._seen:
            raise ArchiveError(f'The files of "{snapshot or MAIN}" are not together in the backup')
        self._stack.close()
        self._seen.add(snapshot)
        host_map, unpacker = self._stack.enter_context(self._open_tree(snapshot))
        where = "the instance" if snapshot is None else f'snapshot "{snapshot}"'
        tree = TreeFilter(where, host_map)
        self._current = (snapshot, tree, unpacker)
        return tree, unpacker

    def _document(self, member: Member, snapshot: str | None, stream: TarStream) -> None:
        if member.kind is not Kind.FILE:
            raise ArchiveError("backup.yaml in the backup is no plain file")
        document = stream.read_data(INDEX_CAP_BYTES, BACKUP_YAML)
        if snapshot is None:
            if self.main_document is not None:
                raise ArchiveError("Backup has two backup.yaml of the instance")
            self.main_document = document


def _opened(source: Source) -> BinaryIO:
    return source.open("rb", buffering=0) if isinstance(source, Path) else source.open()


def _stream(file: BinaryIO, limit_bytes: int | None, tap: Tap | None = None) -> TarStream:
    head = file.read(MAGIC_BYTES)
    kind = detect(head)
    file.seek(0)
    return TarStream(DecompressedReader(file, kind, limit_bytes), tap)


def _index(document: bytes) -> ExportIndex:
    try:
        index = parse_index(document)
    except IndexFormatError as error:
        raise ArchiveError(f"index.yaml is not valid: {error}") from error
    if not index.name:
        raise ArchiveError("index.yaml names no instance")
    snapshots = tuple(_bare(name) for name in index.snapshots or [])
    if len(set(snapshots)) != len(snapshots):
        raise ArchiveError("index.yaml lists a snapshot twice")
    definition = None
    if index.config is not None and index.type != "custom":
        definition = from_config(index.config, pool=index.pool or "")
        if definition.instance.name != index.name:
            raise ArchiveError("index.yaml gives the instance two names")
        if definition.instance.type.value != (index.type or "container"):
            raise ArchiveError("index.yaml gives the instance two types")
        definition = keep_snapshots(definition, snapshots)
    return ExportIndex(
        name=index.name,
        backend=index.backend or "",
        pool=index.pool or "",
        type=index.type or "container",
        is_optimized=bool(index.optimized),
        snapshots=snapshots,
        definition=definition,
        project=_project(index.config),
    )


def _project(config: BackupConfig | None) -> str:
    if config is None:
        return ""
    entry = config.container or config.instance or config.volume
    return (entry.project if entry else None) or ""


def keep_snapshots(definition: Definition, names: tuple[str, ...]) -> Definition:
    """Return the definition with exactly these snapshots; refuse when one of them is not described."""
    described = {snapshot.name: snapshot for snapshot in definition.snapshots}
    missing = [name for name in names if name not in described]
    if missing:
        raise ArchiveError(f"Backup config does not describe the snapshots: {', '.join(missing)}")
    kept = tuple(described[name] for name in names)
    return Definition(instance=definition.instance, snapshots=kept, profiles=definition.profiles)


def _bare(name: str | None) -> str:
    try:
        return check_snapshot_name(name or "")
    except BadRequestError as error:
        raise ArchiveError(f"index.yaml lists a snapshot of a bad name: {error}") from error


def _place(name: bytes) -> tuple[str | None, bytes]:
    """Return the snapshot (None: the instance) that an entry belongs to, and its name inside."""
    main, snapshots = MAIN.encode(), SNAPSHOTS.encode() + b"/"
    if name == main or name.startswith(main + b"/"):
        return None, name[len(main) + 1 :]
    if name.startswith(snapshots):
        snapshot, _, inside = name[len(snapshots) :].partition(b"/")
        try:
            return check_snapshot_name(snapshot.decode()), inside
        except (UnicodeError, BadRequestError):
            pass
    shown = printable(name)
    raise ArchiveError(f'Entry "{shown}" does not belong into a backup of a container')


def _inside_same_tree(member: Member, snapshot: str | None) -> bytes:
    """Return a hard link's target relative to the tree; one in another tree is refused."""
    if member.kind is not Kind.HARD_LINK:
        return member.target
    place, inside = _place(member.target)
    if place != snapshot:
        raise ArchiveError("A hard link in the backup leads from one tree into another")
    return inside
