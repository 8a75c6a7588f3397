"""Where server-side export files are, and how they move: written in the spool directory, entered by one rename."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

from holdfast.archive.writer import publish_part
from holdfast.model.errors import NoSpaceError
from holdfast.service.paths import Paths

_RESERVE_BYTES: Final = 64 * 1024 * 1024
"""Kept free on the server's own file system, so that the database can still be written."""


class BackupFiles:
    """The files of all instances. Names come checked: each is one safe path component."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def path(self, project: str, instance: str, name: str) -> Path:
        return self._paths.instance_backups(project, instance) / name

    def part(self, intent_id: str) -> Path:
        """Return where the work of an intent keeps its file while it has no name yet, or no more."""
        return self._paths.incoming / f"export-{intent_id}"

    def check_room(self, wanted_bytes: int) -> None:
        """Raise `NoSpaceError` if that much, and the reserve, isn't free."""
        free_bytes = shutil.disk_usage(self._paths.incoming).free
        if free_bytes < wanted_bytes + _RESERVE_BYTES:
            raise NoSpaceError(
                f"Create backup: {self._paths.backups} has {free_bytes} bytes free, about {wanted_bytes} are needed"
            )

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

    def rename_instance(self, project: str, name: str, new_name: str) -> None:
        """Let the files follow an instance to its new name. Idempotent."""
        source = self._paths.instance_backups(project, name)
        target = self._paths.instance_backups(project, new_name)
        if source.is_dir() and not target.exists():
            source.rename(target)

    def remove_instance(self, project: str, name: str) -> None:
        """Remove all files of an instance that is gone. Idempotent."""
        shutil.rmtree(self._paths.instance_backups(project, name), ignore_errors=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
