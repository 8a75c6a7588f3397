"""Snapshots of custom volumes: made, named, dated, described, deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from holdfast.db import volume_snapshots as snapshots_table
from holdfast.db.database import Connection
from holdfast.model.errors import ConflictError
from holdfast.model.expiry import expiry_time
from holdfast.model.names import check_snapshot_name
from holdfast.model.operation import Operation
from holdfast.model.pattern import next_name
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_no_volume_snapshot_held
from holdfast.service.instance_requests import Expires, Never
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Work
from holdfast.service.pool_usage import VolumeView
from holdfast.service.resources import volume_resources
from holdfast.service.scheduled import Occasion
from holdfast.service.snapshots import manual_expiry
from holdfast.service.taking_back import discard_all, take_back
from holdfast.service.volume_building import new_uuid
from holdfast.service.volume_store import VolumeStore, payload_of
from holdfast.service.volume_views import snapshot_view
from holdfast.storage.driver import Origin

CREATE_INTENT: Final = "volume-snapshot-create"
DELETE_INTENT: Final = "volume-snapshot-delete"
RENAME_INTENT: Final = "volume-snapshot-rename"


class VolumeSnapshotService:
    """Keeps snapshots of volumes; thread-safe."""

    def __init__(self, store: VolumeStore) -> None:
        self._store, self._around = store, store.around

    def list(self, project: str, pool: str, volume: str) -> Sequence[VolumeView]:
        found = self._store.get(project, pool, volume)
        return [snapshot_view(found, each) for each in self._store.snapshots(found)]

    def get(self, project: str, pool: str, volume: str, name: str) -> VolumeView:
        found = self._store.get(project, pool, volume)
        return snapshot_view(found, self._store.snapshot(found, name))

    # --- create -----------------------------------------------------------------------------------------------------

    def create(
        self, caller: Caller, pool: str, volume: str, name: str = "", expires: Expires = None, *, description: str = ""
    ) -> Operation:
        """Start a snapshot; `name` "" is made by the volume's pattern. A name that is taken is refused at once."""
        found = self._store.get(caller.project, pool, volume)
        if name:
            check_snapshot_name(name, of="volume")
            self._check_free(found, name)

        def work(handle: OperationHandle) -> None:
            with self._store.alone(found.project, pool, volume, "snapshot") as current:
                snapshot = self.plan(current, name, expires, description=description)
                self.take(caller, current, snapshot, handle)

        return self._start(caller, "Creating storage volume snapshot", found, work)

    def plan(
        self,
        volume: CustomVolume,
        name: str,
        expires: Expires,
        *,
        description: str = "",
        occasion: Occasion | None = None,
    ) -> VolumeSnapshot:
        """Return the record of a new snapshot; a name that is taken is refused. It is described as its volume is."""
        now = self._around.clock.now()
        if not name:
            taken = {each.name for each in self._store.snapshots(volume)}
            pattern = occasion.schedule.pattern if occasion else volume.config.get("snapshots.pattern", "")
            name = next_name(pattern, now.astimezone(), taken)
        check_snapshot_name(name, of="volume")
        self._check_free(volume, name)
        return VolumeSnapshot(
            name=name,
            description=description or volume.description,
            config={**volume.config, UUID_KEY: new_uuid()},
            created_at=now,
            expires_at=_expiry(expires, occasion.schedule.expiry if occasion else manual_expiry(volume.config), now),
            schedule=occasion.schedule.label if occasion else "",
            due_at=occasion.due_at if occasion else None,
        )

    def take(
        self,
        caller: Caller | None,
        volume: CustomVolume,
        snapshot: VolumeSnapshot,
        handle: OperationHandle,
        *,
        record: Callable[[Connection], None] | None = None,
    ) -> None:
        """Take a planned snapshot of a volume that the caller holds; `record` writes what goes with its record."""
        driver = self._store.driver(volume)
        self._store.users(volume).refuse_server("Volumes used by the server itself cannot have snapshots")
        self.check_place(volume, snapshot.name)
        intent = self._around.intents.open(CREATE_INTENT, {**payload_of(volume), "snapshot": snapshot.name})
        try:
            reach("volume-snapshot-create:intent")
            driver.stage(intent.token(), Origin(volume=volume.address), cancelled=handle.is_cancelled)
            reach("volume-snapshot-create:staged")
            driver.sync(intent.token())
            reach("volume-snapshot-create:synced")
            driver.publish_snapshot(intent.token(), volume.address, snapshot.name)
            reach("volume-snapshot-create:published")
            with self._around.database.write() as connection:
                snapshots_table.insert(connection, volume, snapshot)
                if record is not None:
                    record(connection)
                self._around.intents.close(intent, connection)
        except BaseException:
            self.undo_create(intent)
            raise
        reach("volume-snapshot-create:committed")
        self._store.tell_snapshot(caller, volume, snapshot.name, "created")

    def check_place(self, volume: CustomVolume, name: str) -> None:
        """Raise `ConflictError` if something without a record is where a snapshot would come."""
        if self._store.driver(volume).exists(volume.address, name):
            raise ConflictError(f"Snapshot {volume.name}/{name} is in its pool, but not in the database")

    def undo_create(self, intent: Intent) -> None:
        """Remove what there is of a snapshot without a record. Idempotent: recovery calls it."""
        volume = self._store.of_intent(intent)
        take_back(self._store.driver(volume), volume.address, intent.token(), intent.text("snapshot"))
        self._around.intents.close(intent)

    # --- change -----------------------------------------------------------------------------------------------------

    def update(
        self,
        caller: Caller,
        pool: str,
        volume: str,
        name: str,
        *,
        description: str | None = None,
        expires: Expires = None,
        is_held: bool | None = None,
    ) -> None:
        """Change description, expiry and hold; None leaves what is there."""
        found = self._store.get(caller.project, pool, volume)
        with self._store.alone(found.project, pool, volume, "update") as current:
            snapshot = self._store.snapshot(current, name)
            if description is not None:
                snapshot = replace(snapshot, description=description)
            if expires is not None:
                snapshot = replace(snapshot, expires_at=None if isinstance(expires, Never) else expires)
            if is_held is not None:
                snapshot = replace(snapshot, is_held=is_held)
            with self._around.database.write() as connection:
                snapshots_table.update(connection, current, snapshot)
        self._store.tell_snapshot(caller, found, name, "updated")

    def rename(self, caller: Caller, pool: str, volume: str, name: str, new_name: str) -> Operation:
        """Start to give it another name."""
        found = self._store.get(caller.project, pool, volume)
        self._store.snapshot(found, name)
        check_snapshot_name(new_name, of="volume")
        self._check_free(found, new_name)

        def work(handle: OperationHandle) -> None:
            with self._store.alone(found.project, pool, volume, "snapshot rename") as current:
                self._store.snapshot(current, name)
                self._check_free(current, new_name)
                self._rename(current, name, new_name)
            self._store.tell_snapshot(caller, found, new_name, "renamed", old_name=f"{volume}/{name}")

        return self._start(caller, "Renaming storage volume snapshot", found, work)

    def _rename(self, volume: CustomVolume, name: str, new_name: str) -> None:
        driver = self._store.driver(volume)
        payload = {**payload_of(volume), "snapshot": name, "new_name": new_name}
        intent = self._around.intents.open(RENAME_INTENT, payload)
        try:
            reach("volume-snapshot-rename:intent")
            driver.rename_snapshot(volume.address, name, new_name)
            reach("volume-snapshot-rename:renamed")
            with self._around.database.write() as connection:
                snapshots_table.rename(connection, volume, name, new_name)
                self._around.intents.close(intent, connection)
        except BaseException:
            self.undo_rename(intent)
            raise
        reach("volume-snapshot-rename:committed")

    def undo_rename(self, intent: Intent) -> None:
        """Take the tree back to the name that the record still has. Idempotent: recovery calls it."""
        volume = self._store.of_intent(intent)
        driver = self._store.driver(volume)
        driver.rename_snapshot(volume.address, intent.text("new_name"), intent.text("snapshot"))
        self._around.intents.close(intent)

    # --- delete -----------------------------------------------------------------------------------------------------

    def delete(self, caller: Caller, pool: str, volume: str, name: str) -> Operation:
        """Start to delete it; a held one is refused."""
        found = self._store.get(caller.project, pool, volume)
        check_no_volume_snapshot_held(found, [self._store.snapshot(found, name)])

        def work(handle: OperationHandle) -> None:
            with self._store.alone(found.project, pool, volume, "snapshot delete") as current:
                self.remove(caller, current, name)

        return self._start(caller, "Deleting storage volume snapshot", found, work)

    def remove(self, caller: Caller | None, volume: CustomVolume, name: str) -> None:
        """Delete a snapshot of a volume that the caller holds; one that is held itself is refused."""
        check_no_volume_snapshot_held(volume, [self._store.snapshot(volume, name)])
        driver = self._store.driver(volume)  # before the intent: a deletion that is refused leaves none
        intent = self._around.intents.open(DELETE_INTENT, {**payload_of(volume), "snapshot": name})
        try:
            reach("volume-snapshot-delete:intent")
            self.finish_delete(intent)
        except Exception:
            if driver.exists(volume.address, name):
                self._around.intents.close(intent)  # nothing has been done: it isn't to go when it is next touched
                raise
            self.finish_delete(intent)
        self._store.tell_snapshot(caller, volume, name, "deleted")

    def finish_delete(self, intent: Intent) -> None:
        """Do it, or what a crash left of it. Idempotent: recovery calls it."""
        volume, name = self._store.of_intent(intent), intent.text("snapshot")
        driver = self._store.driver(volume)
        driver.withdraw(volume.address, intent.token(), name)
        reach("volume-snapshot-delete:withdrawn")
        with self._around.database.write() as connection:
            snapshots_table.delete(connection, volume, name)
            self._around.intents.close(intent, connection)
        reach("volume-snapshot-delete:committed")
        discard_all(driver, intent.token())

    def _check_free(self, volume: CustomVolume, name: str) -> None:
        if any(snapshot.name == name for snapshot in self._store.snapshots(volume)):
            raise ConflictError(f'Snapshot "{name}" already in use')

    def _start(self, caller: Caller, description: str, volume: CustomVolume, work: Work) -> Operation:
        resources = volume_resources(volume.pool, volume.project, volume.name)
        return self._around.operations.start(caller, description, work, resources=resources)


def _expiry(expires: Expires, rule: str, now: datetime) -> datetime | None:
    if isinstance(expires, Never):
        return None
    return expires if expires is not None else expiry_time(rule, now)
