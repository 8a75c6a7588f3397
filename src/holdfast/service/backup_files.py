"""Where server-side export files are, and how they move: written in the spool directory, entered by one rename."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

from holdfast.archive.writer import publish_part
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import HoldfastError, NoSpaceError
from holdfast.service.backup_place import BackupPlace
from holdfast.service.paths import instance_key

_INSTANCES: Final = "instances"
_VOLUMES: Final = "custom"
KEPT_FOLDERS: Final = (_INSTANCES, _VOLUMES)
"""What goes along when the place changes."""
INCOMING: Final = ".incoming"
_RESERVE_BYTES: Final = 64 * 1024 * 1024
"""Kept free on the server's own file system, so that the database can still be written."""


class BackupFiles:
    """The files of all instances and volumes. Names come checked: each is one safe path component."""

    def __init__(self, place: BackupPlace) -> None:
        self.place = place

    def path(self, owner: BackupOwner, name: str) -> Path:
        return self._directory(owner) / name

    def _directory(self, owner: BackupOwner) -> Path:
        if owner.is_volume:
            return self.place.root() / _VOLUMES / owner.pool / f"{owner.project}_{owner.name}"
        return self.place.root() / _INSTANCES / instance_key(owner.project, owner.name)

    def part(self, intent_id: str) -> Path:
        """Return where the work of an intent keeps its file while it has no name yet, or no more."""
        return self.place.root() / INCOMING / f"export-{intent_id}"

    def check_room(self, wanted_bytes: int) -> None:
        """Raise `NoSpaceError` if that much, and the reserve, isn't free."""
        root = self.place.root()
        free_bytes = shutil.disk_usage(root).free
        if free_bytes < wanted_bytes + _RESERVE_BYTES:
            raise NoSpaceError(f"Create backup: {root} has {free_bytes} bytes free, about {wanted_bytes} are needed")

    def publish(self, part: Path, target: Path) -> None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        publish_part(part, target)

    def withdraw(self, target: Path, part: Path) -> None:
        """Take a file away from its name: the first, atomic step of deleting it. Absent: nothing."""
        with contextlib.suppress(FileNotFoundError):
            target.rename(part)
            _sync(target.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Give it another name. Absent: nothing, so that recovery can finish or undo it."""
        with contextlib.suppress(FileNotFoundError):
            source.rename(target)
            _sync(target.parent)

    def discard(self, part: Path) -> None:
        part.unlink(missing_ok=True)

    def clear_incoming(self) -> None:
        """Remove what a former run of the server left unfinished in a volume. Called at the start."""
        with contextlib.suppress(HoldfastError, FileNotFoundError):
            if self.place.volume():
                for path in (self.place.root() / INCOMING).iterdir():
                    path.unlink()

    def follow(self, before: BackupOwner, after: BackupOwner) -> None:
        """Let the files follow an instance or volume to its new name or pool. Idempotent."""
        with self.place.using():
            source, target = self._directory(before), self._directory(after)
            if source.is_dir() and not target.exists():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                source.rename(target)

    def remove_all(self, owner: BackupOwner) -> None:
        """Remove all files of what is gone. Idempotent."""
        with self.place.using():
            shutil.rmtree(self._directory(owner), ignore_errors=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
