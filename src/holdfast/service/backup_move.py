"""Export files go to another place: copied there, then the key is recorded, then they go at the old place.

The record of the key decides: a crash before it takes the copies away, one after it what they were made of.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from holdfast.host.kernel import syncfs
from holdfast.model.errors import (
    BadRequestError,
    NoSpaceError,
    PoolNotFoundError,
    StorageError,
    VolumeNotFoundError,
)
from holdfast.model.kinds import DEFAULT_PROJECT, ContentType
from holdfast.model.server_keys import BACKUPS_VOLUME_KEY
from holdfast.model.volume import CustomVolume
from holdfast.service.backup_files import INCOMING, KEPT_FOLDERS
from holdfast.service.backup_place import BackupPlace
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore

INTENT_KIND: Final = "backups-move"
_IGNORED: Final = frozenset({"lost+found"})


class BackupMover:
    """Moves all export files when the key changes."""

    def __init__(self, surroundings: Surroundings, place: BackupPlace) -> None:
        self._around, self._place, self._store = surroundings, place, VolumeStore(surroundings)

    @contextmanager
    def moving(self, volume: str) -> Iterator[None]:
        """Copy the files to where the new value says; the body records it. A body that fails leaves all as it was."""
        if volume == self._place.volume():
            yield
            return
        with ExitStack() as stack:
            stack.enter_context(self._place.changing())
            before = self._place.volume()
            if volume:
                stack.enter_context(self._held(volume))
            intent = self._around.intents.open(INTENT_KIND, {"from": before, "to": volume})
            try:
                reach("backups-move:intent")
                self._copy(self._place.root(before), self._place.root(volume))
                reach("backups-move:copied")
                yield
                reach("backups-move:recorded")
            finally:
                self.finish(intent)

    def finish(self, intent: Intent) -> None:
        """Remove the files where they aren't kept, by what is recorded. Idempotent: recovery calls it."""
        old, new = intent.text("from"), intent.text("to")
        self._clear(old if self._place.volume() == new else new)
        self._around.intents.close(intent)

    @contextmanager
    def _held(self, text: str) -> Iterator[None]:
        pool, _, name = text.partition("/")
        if not pool or not name or "/" in name:
            raise _invalid("Invalid syntax for volume, must be <pool>/<volume>")
        try:
            self._around.pools.driver(pool)
        except PoolNotFoundError as error:
            raise _invalid(f'Unable to load storage pool "{pool}": {error}') from error
        try:
            with self._store.alone(DEFAULT_PROJECT, pool, name, "backups") as volume:
                self._check(volume, text)
                yield
        except VolumeNotFoundError as error:
            reason = f'Failed loading storage volume "{text}" in "{DEFAULT_PROJECT}" project: Storage volume not found'
            raise _invalid(reason) from error

    def _check(self, volume: CustomVolume, text: str) -> None:
        if volume.content_type is not ContentType.FILESYSTEM:
            raise _invalid(f'Storage volume "{text}" in "{DEFAULT_PROJECT}" project is not filesystem content type')
        if self._store.snapshots(volume):
            raise _invalid("Storage volumes for use by the server itself cannot have snapshots")
        if self._store.users(volume):
            raise _invalid(f'Storage volume "{text}" is attached: who uses it could change the files')
        if any(path.name not in _IGNORED for path in self._place.root(text).iterdir()):
            raise _invalid(f'Storage volume "{text}" isn\'t empty')

    def _copy(self, source: Path, target: Path) -> None:
        try:
            (target / INCOMING).mkdir(mode=0o700, exist_ok=True)
            for folder in KEPT_FOLDERS:
                if (source / folder).is_dir():
                    _copy_tree(source / folder, target / folder)
            descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
            try:
                syncfs(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            text = f"Copying the export files to {target} failed: {os.strerror(error.errno or 0)}"
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise (NoSpaceError if is_full else StorageError)(text) from error

    def _clear(self, volume: str) -> None:
        """Remove all files of a place; in the server's own directory uploads stay."""
        root = self._place.root(volume)
        for folder in (*KEPT_FOLDERS, *((INCOMING,) if volume else ())):
            shutil.rmtree(root / folder, ignore_errors=True)


def _copy_tree(source: Path, target: Path) -> None:
    """Copy files and directories, with their times, for root only."""
    target.mkdir(mode=0o700, exist_ok=True)
    for entry in os.scandir(source):
        path = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            _copy_tree(Path(entry.path), path)
        elif entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, path, follow_symlinks=False)
            path.chmod(0o600)
            shutil.copystat(entry.path, path, follow_symlinks=False)


def _invalid(reason: str) -> BadRequestError:
    return BadRequestError(f'Failed validation of "{BACKUPS_VOLUME_KEY}": {reason}')
