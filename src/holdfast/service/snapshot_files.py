"""A look into snapshots: one file can be got back without restoring the whole. Nothing here changes one."""

from __future__ import annotations

from holdfast.archive.idmap import parse_host_map
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import NotFoundError, SnapshotNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.runtime.base import FileAccess, FileInfo
from holdfast.service.caller import Caller
from holdfast.service.files import MOST_ENTRIES
from holdfast.service.start_spec import ROOTFS
from holdfast.service.surroundings import Surroundings, volume_of


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

    def _tell(self, caller: Caller, instance: Instance, snapshot: str, path: str) -> None:
        self._around.tell(caller, instance, "file-retrieved", path=path, snapshot=snapshot)

    def _access(self, instance: Instance, name: str) -> FileAccess:
        with self._around.database.read() as connection:
            snapshot = snapshots_table.get(connection, instance.project, instance.name, name)
        if snapshot is None:
            raise SnapshotNotFoundError(instance.project, instance.name, name)
        tree = self._around.driver(instance).path(volume_of(instance), name)
        if not tree.is_dir():  # it was deleted or renamed since its record was read
            raise NotFoundError("Not Found")
        return self._around.runtime.tree_files(tree / ROOTFS, _id_base(snapshot))


def _id_base(snapshot: Snapshot) -> int:
    """Return what to take from the ids on its disk: they were kept as seen inside, or shifted by one base."""
    host_map = parse_host_map(snapshot.config.get(DISK_MAP_KEY, ""))
    users = [entry for entry in host_map.ranges if entry.is_uid] if host_map is not None else []
    return users[0].host - users[0].inside if users else 0
