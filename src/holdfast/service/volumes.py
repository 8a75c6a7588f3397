"""Custom volumes: looked at, made, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from holdfast.db import volumes as volumes_table
from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.model.kinds import ContentType
from holdfast.model.usable_rules import check_usable
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_keys import DEFAULT_BLOCK_BYTES, changed_config, check_volume_config, size_bytes
from holdfast.service.backup_files import BackupFiles
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_no_volume_snapshot_held
from holdfast.service.intents import Intent
from holdfast.service.locks import pool_lock
from holdfast.service.pool_usage import VolumeView
from holdfast.service.taking_back import discard_all
from holdfast.service.transfer_bases import TransferBases
from holdfast.service.volume_building import NewVolume, VolumeBuilder
from holdfast.service.volume_requests import VolumeRequest
from holdfast.service.volume_store import VolumeStore, lock_on, owner_of, payload_of
from holdfast.service.volume_views import view_of
from holdfast.storage.block_file import grow_block_file
from holdfast.storage.failures import explained

UPDATE_INTENT: Final = "volume-update"
DELETE_INTENT: Final = "volume-delete"
_SNAPSHOTS: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeUsage:
    """Bytes used, and the limit (0: none)."""

    used_bytes: int
    total_bytes: int


class VolumeService:
    """Keeps custom volumes; thread-safe."""

    def __init__(
        self, store: VolumeStore, builder: VolumeBuilder, backup_files: BackupFiles, bases: TransferBases
    ) -> None:
        self._store, self._around, self._builder = store, store.around, builder
        self._backup_files, self._bases = backup_files, bases

    def get(self, project: str, pool: str, name: str) -> VolumeView:
        volume = self._store.get(project, pool, name)
        return view_of(volume, self._store.users(volume))

    def usage(self, project: str, pool: str, name: str) -> VolumeUsage:
        """Return how much it uses; a driver that can't tell refuses with LXD's text and status."""
        volume = self._store.get(project, pool, name)
        used_bytes = self._store.driver(volume).usage_bytes(volume.address)
        if used_bytes is None:
            raise HoldfastError("Not supported")
        return VolumeUsage(used_bytes=used_bytes, total_bytes=size_bytes(volume.config) or 0)

    # --- create -----------------------------------------------------------------------------------------------------

    def create(self, caller: Caller, pool: str, request: VolumeRequest) -> CustomVolume:
        """Make an empty volume."""
        wanted = self._builder.plan(caller.project, pool, request)
        check_usable({}, request.config, {})
        locks = self._around.locks
        with (
            locks.hold(pool_lock(pool), shared=True, what="create"),
            locks.hold(lock_on(wanted), what="create"),
        ):
            wanted = self._builder.plan(caller.project, pool, request)
            new = NewVolume(wanted)
            self._builder.build(caller, new, lambda driver, intent: self._builder.fill_empty(wanted, driver, intent))
        return wanted

    # --- change -----------------------------------------------------------------------------------------------------

    def update(self, caller: Caller, pool: str, name: str, description: str, config: Mapping[str, str]) -> None:
        """Replace description and config; a new size counts at once."""
        found = self._store.get(caller.project, pool, name)
        with self._store.alone(found.project, pool, name, "update") as before:
            after = replace(before, description=description, config=changed_config(before.config, config))
            self._change(before, after)
        self._store.tell(caller, after, "updated")

    def patch(
        self,
        caller: Caller,
        pool: str,
        name: str,
        *,
        description: str | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Change what is given; config is merged per key."""
        found = self._store.get(caller.project, pool, name)
        with self._store.alone(found.project, pool, name, "update") as before:
            merged = {**before.config, **(config or {})}
            after = replace(
                before,
                description=before.description if description is None else description,
                config=changed_config(before.config, merged),
            )
            self._change(before, after)
        self._store.tell(caller, after, "updated")

    def _change(self, before: CustomVolume, after: CustomVolume) -> None:
        check_volume_config(after)
        check_usable(before.config, after.config, {})
        if size_bytes(before.config) == size_bytes(after.config):
            with self._around.database.write() as connection:
                volumes_table.update(connection, after)
            return
        self._store.driver(before)  # a pool that is away refuses it before there is an intent
        intent = self._around.intents.open(UPDATE_INTENT, payload_of(before))
        try:
            reach("volume-update:intent")
            self._apply_size(after)
            reach("volume-update:applied")
            with self._around.database.write() as connection:
                volumes_table.update(connection, after)
                self._around.intents.close(intent, connection)
        except BaseException:
            self.undo_update(intent)
            raise
        reach("volume-update:committed")

    def undo_update(self, intent: Intent) -> None:
        """Apply the size that the record has; a disk that has grown stays so. Idempotent: recovery calls it."""
        volume = self._store.of_intent(intent)
        if volume.content_type is ContentType.FILESYSTEM:
            self._apply_size(volume)
        self._around.intents.close(intent)

    def _apply_size(self, volume: CustomVolume) -> None:
        driver = self._store.driver(volume)
        if volume.content_type is ContentType.FILESYSTEM:
            driver.set_quota(volume.address, size_bytes(volume.config))
            return
        with explained(volume.pool, f'resizing volume "{volume.name}"'):
            grow_block_file(driver.path(volume.address), size_bytes(volume.config) or DEFAULT_BLOCK_BYTES)

    # --- delete -----------------------------------------------------------------------------------------------------

    def delete(self, caller: Caller, pool: str, name: str) -> None:
        """Remove a volume that nothing uses, with its snapshots and export files; held snapshots keep it there."""
        found = self._store.get(caller.project, pool, name)
        with (
            self._backup_files.place.using(),
            self._store.alone(found.project, pool, name, "delete") as volume,
        ):
            if users := self._store.users(volume):
                raise BadRequestError(f"The storage volume is still in use: {users}")
            snapshots = self._store.snapshots(volume)
            check_no_volume_snapshot_held(volume, snapshots)
            driver = self._store.driver(volume)  # before the intent: a deletion that is refused leaves none
            self._backup_files.place.root()
            intent = self._around.intents.open(DELETE_INTENT, payload_of(volume))
            try:
                reach("volume-delete:intent")
                self.finish_delete(intent)
            except Exception:
                if driver.exists(volume.address):
                    self._around.intents.close(intent)  # nothing has been done: it isn't to go when it is next touched
                    raise
                self.finish_delete(intent)
        for snapshot in reversed(snapshots):
            self._store.tell_snapshot(caller, volume, snapshot.name, "deleted")
        self._store.tell(caller, volume, "deleted")

    def finish_delete(self, intent: Intent) -> None:
        """Do it, or what a crash left of it. Idempotent: recovery calls it."""
        volume = self._store.of_intent(intent)
        driver = self._store.driver(volume)
        driver.withdraw_all(volume.address, intent.token(), intent.token(_SNAPSHOTS))
        reach("volume-delete:withdrawn")
        self._backup_files.remove_all(owner_of(volume))
        with self._around.database.write() as connection:
            volumes_table.delete(connection, volume.pool, volume.project, volume.name)
            self._around.intents.close(intent, connection)
        reach("volume-delete:committed")
        discard_all(driver, intent.token(), intent.token(_SNAPSHOTS))
        self._bases.discard_unrecorded(driver)
