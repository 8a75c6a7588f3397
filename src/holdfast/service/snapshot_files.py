"""A look into snapshots: one file can be got back without restoring the whole. Nothing here changes one."""

from __future__ import annotations

from pathlib import Path

from holdfast.archive.idmap import parse_host_map
from holdfast.archive.packing import pack_folder
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import NotFoundError, SnapshotNotFoundError, UnsupportedError
from holdfast.model.instance import Config, Instance
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.runtime.base import FileAccess, FileInfo
from holdfast.service.caller import Caller
from holdfast.service.files import MOST_ENTRIES
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import RateMeter
from holdfast.service.resources import instance_resources
from holdfast.service.start_spec import ROOTFS
from holdfast.service.streamed_work import StreamedWork
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.streams.copy import Cancelled, Sink


class SnapshotFileService:
    """Reads the files of snapshots; every path is one inside and never leads out."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def stat(self, project: str, name: str, snapshot: str, path: str) -> FileInfo:
        return self._access(self._around.instance(project, name), snapshot).stat(path)

    def look(self, caller: Caller, name: str, snapshot: str, path: str) -> FileInfo:
        """Return the facts, and tell so of what they are the whole of: directories and links."""
        instance = self._around.instance(caller.project, name)
        found = self._access(instance, snapshot).stat(path)
        if found.kind != "file":
            self._tell(caller, instance, snapshot, path)
        return found

    def list(self, caller: Caller, name: str, snapshot: str, path: str) -> dict[str, FileInfo]:
        """Return the entries of a directory with their facts."""
        instance = self._around.instance(caller.project, name)
        found = self._access(instance, snapshot).list(path, MOST_ENTRIES)
        self._tell(caller, instance, snapshot, path)
        return found

    def read(self, caller: Caller, name: str, snapshot: str, path: str) -> tuple[FileInfo, int]:
        """Return facts and a descriptor of a file, which the caller closes."""
        instance = self._around.instance(caller.project, name)
        found = self._access(instance, snapshot).read(path)
        self._tell(caller, instance, snapshot, path)
        return found

    def pack(self, caller: Caller, name: str, snapshot: str, path: str) -> StreamedWork:
        """Start to read a directory with all below it as a tar archive; its bytes wait for a reader."""
        instance = self._around.instance(caller.project, name)
        tree, id_base = self._tree(instance, snapshot)
        if id_base:
            raise UnsupportedError(
                "This snapshot is from a kernel without idmapped mounts: its owners on disk are not those seen inside. "
                "Export it, or make an instance of it"
            )
        folder = self._around.runtime.tree_folder(tree, path)
        title = snapshot if folder == tree else folder.name
        self._tell(caller, instance, snapshot, path)

        def produce(handle: OperationHandle, sink: Sink, cancelled: Cancelled) -> None:
            meter = RateMeter()
            pack_folder(
                folder,
                title,
                sink,
                progress=lambda done: handle.progress("download_progress", f"Packing: {meter.text(done)}"),
                cancelled=cancelled,
            )

        return StreamedWork(f"{title}.tar").start(
            self._around.operations,
            caller,
            "Downloading files",
            produce,
            instance_resources(instance.project, instance.name),
        )

    def _tell(self, caller: Caller, instance: Instance, snapshot: str, path: str) -> None:
        self._around.tell(caller, instance, "file-retrieved", path=path, snapshot=snapshot)

    def _access(self, instance: Instance, name: str) -> FileAccess:
        return self._around.runtime.tree_files(*self._tree(instance, name))

    def _tree(self, instance: Instance, name: str) -> tuple[Path, int]:
        """Return where the root file system of a snapshot is, and what its ids on disk are more than those inside."""
        with self._around.database.read() as connection:
            snapshot = snapshots_table.get(connection, instance.project, instance.name, name)
        if snapshot is None:
            raise SnapshotNotFoundError(instance.project, instance.name, name)
        tree = self._around.driver(instance).path(volume_of(instance), name)
        if not tree.is_dir():  # it was deleted or renamed since its record was read
            raise NotFoundError("Not Found")
        return tree / ROOTFS, id_base_of(snapshot.config)


def id_base_of(config: Config) -> int:
    """Return what to take from the ids on a disk: they were kept as seen inside, or shifted by one base."""
    host_map = parse_host_map(config.get(DISK_MAP_KEY, ""))
    users = [entry for entry in host_map.ranges if entry.is_uid] if host_map is not None else []
    return users[0].host - users[0].inside if users else 0
