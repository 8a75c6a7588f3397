"""Renaming a custom volume: its tree and those of its snapshots, then its record and the devices that show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.db import volumes as volumes_table
from holdfast.model.errors import ConflictError
from holdfast.model.names import check_volume_name
from holdfast.model.volume import CustomVolume
from holdfast.service.backup_files import BackupFiles
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.volume_building import TAKEN
from holdfast.service.volume_places import follow, moving
from holdfast.service.volume_store import VolumeStore, owner_of, payload_of
from holdfast.service.volume_users import VolumeUsers

INTENT_KIND: Final = "volume-rename"


class VolumeRenamer:
    """Renames volumes within their project and pool."""

    def __init__(self, store: VolumeStore, backup_files: BackupFiles) -> None:
        self._store, self._around, self._backup_files = store, store.around, backup_files

    def rename(self, caller: Caller, pool: str, name: str, new_name: str) -> CustomVolume:
        """Rename it; instances and profiles that show it follow."""
        found = self._store.get(caller.project, pool, name)
        check_volume_name(new_name)
        target = replace(found, name=new_name)
        self._check_free(target)
        with (
            self._backup_files.place.using(),
            moving(self._store, found, project=found.project, pool=pool, name=new_name, what="rename") as held,
        ):
            volume, users = held
            self._check_free(target)
            renamed = self._rename(volume, users, new_name)
        self._store.tell(caller, renamed, "renamed", old_name=name)
        return renamed

    def _rename(self, volume: CustomVolume, users: VolumeUsers, new_name: str) -> CustomVolume:
        renamed = replace(volume, name=new_name)
        intent = self._around.intents.open(INTENT_KIND, {**payload_of(volume), "new_name": new_name})
        try:
            reach("volume-rename:intent")
            self._store.driver(volume).rename(volume.address, new_name)
            self._backup_files.follow(owner_of(volume), owner_of(renamed))
            reach("volume-rename:renamed")
            with self._around.database.write() as connection:
                volumes_table.move(connection, volume, renamed)
                follow(connection, users, volume, renamed)
                self._around.intents.close(intent, connection)
        except BaseException:
            self.undo(intent)
            raise
        reach("volume-rename:committed")
        return renamed

    def undo(self, intent: Intent) -> None:
        """Take the trees back to the name that the record still has. Idempotent: recovery calls it."""
        volume = self._store.of_intent(intent)
        renamed = replace(volume, name=intent.text("new_name"))
        self._backup_files.follow(owner_of(renamed), owner_of(volume))
        self._store.driver(volume).rename(renamed.address, volume.name)
        self._around.intents.close(intent)

    def _check_free(self, target: CustomVolume) -> None:
        is_taken = self._store.exists(target.project, target.pool, target.name)
        if is_taken or self._store.driver(target).exists(target.address):
            raise ConflictError(TAKEN)
