"""The members of an export that holds trees: each routed to the tree it belongs to, in whatever order trees come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Protocol

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import BACKUP_YAML, IMAGE_SUFFIX, INDEX, INDEX_CAP_BYTES, Layout
from holdfast.archive.members import Kind, Member, printable
from holdfast.archive.tarfilter import TreeFilter
from holdfast.archive.tarstream import TarStream
from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.names import check_snapshot_name
from holdfast.model.volume import DISK_FILE


class Adder(Protocol):
    """Takes the entries of one tree, each checked."""

    def add(self, member: Member, stream: TarStream) -> None: ...


OpenedTree = AbstractContextManager[tuple[HostMap | None, Adder]]
"""The id map that a tree was stored with, and what takes its entries."""


class TreeMembers:
    """Routes entries to the tree they belong to; one tree is open at a time, and none is opened twice."""

    def __init__(self, index: ExportIndex, open_tree: Callable[[str | None], OpenedTree]) -> None:
        self._layout = index.layout
        self._wanted: set[str | None] = {None, *index.snapshots}
        self._open_tree = open_tree
        self._seen: set[str | None] = set()
        self._current: tuple[str | None, TreeFilter, Adder] | None = None
        self._stack = ExitStack()
        self._has_index = False
        self.main_document: bytes | None = None

    def __enter__(self) -> TreeMembers:
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
        if member.kind is Kind.DIRECTORY and member.name.decode(errors="replace") in self._layout.folders:
            return
        snapshot, inside = _place(self._layout, member.name)
        tree, unpacker = self._enter(snapshot)
        if inside == BACKUP_YAML.encode() and self._layout is Layout.INSTANCE:
            self._document(member, snapshot, stream)
            return
        target = self._inside_same_tree(member, snapshot)
        admitted = tree.admit(member, inside, target)
        if admitted is not None:
            unpacker.add(admitted, stream)

    def check_complete(self) -> None:
        missing = sorted(name or self._layout.name_of(None) for name in self._wanted - self._seen)
        if missing:
            raise ArchiveError(f"Backup is missing the files of: {', '.join(missing)}")

    def _enter(self, snapshot: str | None) -> tuple[TreeFilter, Adder]:
        if self._current is not None and self._current[0] == snapshot:
            return self._current[1], self._current[2]
        if snapshot not in self._wanted:
            raise ArchiveError(f'Backup holds a snapshot "{snapshot}" that its index does not list')
        if snapshot in self._seen:
            raise ArchiveError(f'The files of "{snapshot or self._layout.main}" are not together in the backup')
        self._stack.close()
        self._seen.add(snapshot)
        host_map, unpacker = self._stack.enter_context(self._open_tree(snapshot))
        tree = TreeFilter(self._layout.name_of(snapshot), host_map, self._layout)
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

    def _inside_same_tree(self, member: Member, snapshot: str | None) -> bytes:
        """Return a hard link's target relative to the tree; one in another tree is refused."""
        if member.kind is not Kind.HARD_LINK:
            return member.target
        place, inside = _place(self._layout, member.target)
        if place != snapshot:
            raise ArchiveError("A hard link in the backup leads from one tree into another")
        return inside


def _place(layout: Layout, name: bytes) -> tuple[str | None, bytes]:
    """Return the snapshot (None: the main tree) that an entry belongs to, and its name inside."""
    found = _place_of_disk(layout, name) if layout is Layout.DISK else _place_in_tree(layout, name)
    if found is not None:
        snapshot, inside = found
        try:
            return None if snapshot is None else check_snapshot_name(snapshot.decode()), inside
        except (UnicodeError, BadRequestError):
            pass
    kind = "container" if layout is Layout.INSTANCE else "custom volume"
    raise ArchiveError(f'Entry "{printable(name)}" does not belong into a backup of a {kind}')


def _place_in_tree(layout: Layout, name: bytes) -> tuple[bytes | None, bytes] | None:
    main, snapshots = layout.main.encode(), layout.snapshots.encode() + b"/"
    if name == main or name.startswith(main + b"/"):
        return None, name[len(main) + 1 :]
    if name.startswith(snapshots):
        snapshot, _, inside = name[len(snapshots) :].partition(b"/")
        return snapshot, inside
    return None


def _place_of_disk(layout: Layout, name: bytes) -> tuple[bytes | None, bytes] | None:
    stem, snapshots = name.removesuffix(IMAGE_SUFFIX.encode()), layout.snapshots.encode() + b"/"
    if stem != name and stem == layout.main.encode():
        return None, DISK_FILE.encode()
    if stem != name and stem.startswith(snapshots):
        return stem[len(snapshots) :], DISK_FILE.encode()
    return None
