"""Files inside instances, running or stopped."""

from __future__ import annotations

from typing import Final

from holdfast.model.instance import Instance
from holdfast.runtime.base import FileAccess, FileInfo, FileWrite
from holdfast.service.caller import Caller
from holdfast.service.start import Starter
from holdfast.service.start_spec import ROOTFS
from holdfast.service.surroundings import Surroundings, key_of, volume_of

__all__ = ["FileInfo", "FileService", "FileWrite"]

MOST_ENTRIES: Final = 20_000
"""Of one directory in one answer: some MiB of JSON."""


class FileService:
    """Reads and writes files; every path is one inside and never leads out."""

    def __init__(self, surroundings: Surroundings, starter: Starter) -> None:
        self._around, self._starter = surroundings, starter

    def access(self, project: str, name: str) -> FileAccess:
        """Return access to the files as they are now: of the running instance, or of the stopped one's tree."""
        return self._access(self._around.instance(project, name))

    def stat(self, project: str, name: str, path: str) -> FileInfo:
        return self.access(project, name).stat(path)

    def look(self, caller: Caller, name: str, path: str) -> FileInfo:
        """Return the facts, and tell so of what they are the whole of: directories and links. `read` tells of files."""
        instance = self._around.instance(caller.project, name)
        found = self._access(instance).stat(path)
        if found.kind != "file":
            self._around.tell(caller, instance, "file-retrieved", path=path)
        return found

    def list(self, caller: Caller, name: str, path: str) -> dict[str, FileInfo]:
        """Return the entries of a directory with their facts."""
        instance = self._around.instance(caller.project, name)
        found = self._access(instance).list(path, MOST_ENTRIES)
        self._around.tell(caller, instance, "file-retrieved", path=path)
        return found

    def read(self, caller: Caller, name: str, path: str) -> tuple[FileInfo, int]:
        """Return facts and a descriptor of a file, which the caller closes."""
        instance = self._around.instance(caller.project, name)
        found = self._access(instance).read(path)
        self._around.tell(caller, instance, "file-retrieved", path=path)
        return found

    def write(self, caller: Caller, name: str, request: FileWrite, source: int | None) -> None:
        """Make or replace a file (its content is read from `source`), a directory or a symlink."""
        with self._around.shared(caller.project, name, "file push") as instance:
            self._access(instance).write(request, source)
        self._around.tell(caller, instance, "file-pushed", path=request.path)

    def delete(self, caller: Caller, name: str, path: str) -> None:
        with self._around.shared(caller.project, name, "file delete") as instance:
            self._access(instance).delete(path)
        self._around.tell(caller, instance, "file-deleted", path=path)

    def _access(self, instance: Instance) -> FileAccess:
        idmap, is_shifted = self._starter.map_of(instance, self._around.expanded(instance))
        rootfs = self._around.driver(instance).path(volume_of(instance)) / ROOTFS
        return self._around.runtime.files(key_of(instance), rootfs, idmap, is_rootfs_shifted=is_shifted)
