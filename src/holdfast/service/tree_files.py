"""Files of snapshots and of custom volumes: one can be got back without restoring the whole. Snapshots never change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from holdfast.archive.packing import pack_folder
from holdfast.model.errors import BadRequestError, NotFoundError, UnsupportedError
from holdfast.model.kinds import ContentType
from holdfast.model.operation import JsonValue
from holdfast.model.volume import CustomVolume
from holdfast.runtime.base import FileAccess, FileInfo, FileWrite
from holdfast.service.caller import Caller
from holdfast.service.files import MOST_ENTRIES
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.points import NOW, Point, Points
from holdfast.service.progress import RateMeter
from holdfast.service.resources import instance_resources, volume_resources
from holdfast.service.streamed_work import StreamedWork
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore, lock_on
from holdfast.streams.copy import Cancelled
from holdfast.streams.handover import Handover


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeName:
    """A snapshot of an instance; with a pool a custom volume as it is now, or a snapshot of that."""

    name: str
    snapshot: str = NOW
    pool: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What a name stands for; `tell` publishes an event about it."""

    point: Point
    title: str
    resources: Mapping[str, Sequence[str]]
    tell: Callable[..., None]


class TreeFileService:
    """Reads and writes files; every path is one inside and never leads out."""

    def __init__(self, surroundings: Surroundings, volumes: VolumeStore) -> None:
        self._around, self._volumes = surroundings, volumes
        self._points = Points(surroundings, volumes)

    def stat(self, project: str, where: TreeName, path: str) -> FileInfo:
        return self._access(self._find(project, where)).stat(path)

    def look(self, caller: Caller, where: TreeName, path: str) -> FileInfo:
        """Return the facts, and tell so of what they are the whole of: directories and links."""
        tree = self._find(caller.project, where)
        found = self._access(tree).stat(path)
        if found.kind != "file":
            tree.tell(caller, "file-retrieved", path=path)
        return found

    def list(self, caller: Caller, where: TreeName, path: str) -> dict[str, FileInfo]:
        """Return the entries of a directory with their facts."""
        tree = self._find(caller.project, where)
        found = self._access(tree).list(path, MOST_ENTRIES)
        tree.tell(caller, "file-retrieved", path=path)
        return found

    def read(self, caller: Caller, where: TreeName, path: str) -> tuple[FileInfo, int]:
        """Return facts and a descriptor of a file, which the caller closes."""
        tree = self._find(caller.project, where)
        found = self._access(tree).read(path)
        tree.tell(caller, "file-retrieved", path=path)
        return found

    def pack(self, caller: Caller, where: TreeName, path: str) -> StreamedWork:
        """Start to read a snapshot's directory with all below it as a tar archive; its bytes wait for a reader."""
        found = self._find(caller.project, where)
        if found.point.id_base:
            raise UnsupportedError(
                "This snapshot is from a kernel without idmapped mounts: its owners on disk are not those seen inside. "
                "Export it, or make an instance of it"
            )
        folder = self._around.runtime.tree_folder(found.point.tree, path)
        title = found.title if folder == found.point.tree else folder.name
        found.tell(caller, "file-retrieved", path=path)

        def produce(handle: OperationHandle, sink: Handover, cancelled: Cancelled) -> None:
            meter = RateMeter()
            pack_folder(
                folder,
                title,
                sink,
                progress=lambda done: handle.progress("download_progress", f"Packing: {meter.text(done)}"),
                cancelled=cancelled,
            )

        return StreamedWork(f"{title}.tar").start(
            self._around.operations, caller, "Downloading files", produce, found.resources
        )

    def write(self, caller: Caller, where: TreeName, request: FileWrite, source: int | None) -> None:
        """Make or replace a file (its content is read from `source`), a directory or a symlink of a volume."""
        self._change(caller, where, "pushed", request.path, lambda access: access.write(request, source))

    def delete(self, caller: Caller, where: TreeName, path: str) -> None:
        """Remove a file or an empty directory of a volume."""
        self._change(caller, where, "deleted", path, lambda access: access.delete(path))

    def refuse_change(self, project: str, where: TreeName) -> None:
        """Raise for a change of what can't be changed, or isn't there."""
        found = self._find(project, where)
        if where.snapshot != NOW:
            what = "a volume of it" if where.pool else "an instance of it"
            raise BadRequestError(f"Snapshots can't be changed: make {what} (copy {found.title}), and change that")

    def _change(self, caller: Caller, where: TreeName, verb: str, path: str, do: Callable[[FileAccess], None]) -> None:
        self.refuse_change(caller.project, where)
        lock = lock_on(self._volume(caller.project, where))
        with self._around.locks.hold(lock, shared=True, what=f"file {verb}"):
            found = self._find(caller.project, where)
            do(self._access(found))
        found.tell(caller, f"file-{verb}", path=path)

    def _access(self, found: _Found) -> FileAccess:
        if not found.point.tree.is_dir():  # it was deleted or renamed since its record was read
            raise NotFoundError("Not Found")
        return self._around.runtime.tree_files(found.point.tree, found.point.id_base)

    def _find(self, project: str, where: TreeName) -> _Found:
        title = where.snapshot or where.name
        if where.pool:
            volume = self._volume(project, where)
            return _Found(
                point=self._points.of_volume(volume, where.snapshot),
                title=title,
                resources=volume_resources(volume.pool, volume.project, volume.name),
                tell=partial(self._tell_of_volume, volume, where.snapshot),
            )
        instance = self._around.instance(project, where.name)

        def tell(caller: Caller, verb: str, **context: JsonValue) -> None:
            self._around.tell(caller, instance, verb, **context, snapshot=where.snapshot)

        return _Found(
            point=self._points.of_instance(project, where.name, where.snapshot),
            title=title,
            resources=instance_resources(project, where.name),
            tell=tell,
        )

    def _tell_of_volume(
        self, volume: CustomVolume, snapshot: str, caller: Caller, verb: str, **context: JsonValue
    ) -> None:
        if snapshot == NOW:
            self._volumes.tell(caller, volume, verb, **context)
        else:
            self._volumes.tell_snapshot(caller, volume, snapshot, verb, **context)

    def _volume(self, project: str, where: TreeName) -> CustomVolume:
        volume = self._volumes.get(project, where.pool, where.name)
        if volume.content_type is not ContentType.FILESYSTEM:
            raise BadRequestError("Only volumes with files can be looked into, not disks")
        self._volumes.refuse_of_server(volume, "Volumes used by the server itself can't be looked into")
        return volume
