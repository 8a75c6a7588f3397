"""Snapshots of instances: made, named, dated, deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, count
from typing import Final

from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Connection
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    SnapshotNotFoundError,
)
from holdfast.model.expiry import expiry_time
from holdfast.model.instance import Config, Instance, Snapshot
from holdfast.model.names import check_snapshot_name
from holdfast.model.operation import Operation
from holdfast.model.pattern import next_name
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_none_held
from holdfast.service.instance_reading import InstanceReader
from holdfast.service.instance_requests import NEVER, Expires, Never, SnapshotChange
from holdfast.service.instance_views import SnapshotView
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Work
from holdfast.service.resources import instance_resources
from holdfast.service.scheduled import Occasion
from holdfast.service.stateful import refuse_stateful
from holdfast.service.stillness import still, thaw
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import discard_all, take_back
from holdfast.service.transfer_bases import TransferBases
from holdfast.storage.driver import Origin

CREATE_INTENT: Final = "snapshot-create"
DELETE_INTENT: Final = "snapshot-delete"
RENAME_INTENT: Final = "snapshot-rename"
_STEM_BYTES: Final = 200
"""What is kept of a name to which a time is added: 255 is the most that a name can have."""
_NOT_IN_URLS: Final = "/?&+"


class SnapshotService:
    """Keeps snapshots; thread-safe."""

    def __init__(self, surroundings: Surroundings, reader: InstanceReader, bases: TransferBases) -> None:
        self._around, self._reader, self._bases = surroundings, reader, bases

    def list(self, project: str, instance: str) -> Sequence[SnapshotView]:
        return self._reader.snapshots(project, instance)

    def get(self, project: str, instance: str, name: str) -> SnapshotView:
        return self._reader.snapshot(project, instance, name)

    # --- create -----------------------------------------------------------------------------------------------------

    def create(
        self,
        caller: Caller,
        instance: str,
        name: str = "",
        expires: Expires = None,
        *,
        expiry: str = "",
        description: str = "",
        stateful: bool = False,
    ) -> Operation:
        """Start a snapshot; `name` "" is made by the instance's pattern. `expiry` is an expression, from now on."""
        found = self._around.instance(caller.project, instance)
        expires = self.expires(expires, expiry)
        if any(character in name for character in _NOT_IN_URLS):
            check_snapshot_name(name)

        def work(handle: OperationHandle) -> None:
            refuse_stateful(stateful=stateful)
            with self._around.alone(caller.project, instance, "snapshot") as current:
                self.take(caller, current, name, expires, handle, description=description)

        return self._start(caller, "Snapshotting instance", found, work)

    def expires(self, expires: Expires, expiry: str) -> Expires:
        """Return when a new one goes: what an expression says, if there is one."""
        return expires if not expiry else expiry_time(expiry, self._around.clock.now()) or NEVER

    def take(
        self,
        caller: Caller,
        instance: Instance,
        name: str,
        expires: Expires,
        handle: OperationHandle,
        *,
        description: str = "",
        occasion: Occasion | None = None,
        along: Callable[[Connection], None] | None = None,
    ) -> Snapshot:
        """Take a snapshot of an instance that the caller holds; with an `occasion` a schedule wants it.

        `along` writes what must be recorded together with it, or not at all.
        """
        snapshot = replace(self._plan(instance, name, expires, occasion), description=description)
        driver, volume = self._around.driver(instance), volume_of(instance)
        if driver.exists(volume, snapshot.name):
            raise ConflictError(f"Snapshot {instance.name}/{snapshot.name} is in its pool, but not in the database")
        intent = self._around.intents.open(
            CREATE_INTENT, {"project": instance.project, "instance": instance.name, "snapshot": snapshot.name}
        )
        try:
            reach("snapshot-create:intent")
            with still(self._around, intent, instance):
                driver.stage(intent.token(), Origin(volume=volume), cancelled=handle.is_cancelled)
                reach("snapshot-create:staged")
            driver.sync(intent.token())
            reach("snapshot-create:synced")
            driver.publish_snapshot(intent.token(), volume, snapshot.name)
            reach("snapshot-create:published")
            with self._around.database.write() as connection:
                snapshots_table.insert(connection, instance.project, instance.name, snapshot)
                if occasion is not None:
                    occasion.record(connection)
                if along is not None:
                    along(connection)
                self._around.intents.close(intent, connection)
        except BaseException:
            self.undo_create(intent)
            raise
        reach("snapshot-create:committed")
        self._around.tell_snapshot(caller, instance, snapshot.name, "created")
        return snapshot

    def undo_create(self, intent: Intent) -> None:
        """Remove what there is of a snapshot without a record, and thaw its instance. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        thaw(self._around, intent)
        take_back(self._around.driver(instance), volume_of(instance), intent.token(), intent.text("snapshot"))
        self._around.intents.close(intent)

    def planned(self, instance: Instance, name: str, expires: Expires) -> Snapshot:
        """Return the record of a new snapshot, for those who take more than the instance with it."""
        return self._plan(instance, name, expires, None)

    def _plan(self, instance: Instance, name: str, expires: Expires, occasion: Occasion | None) -> Snapshot:
        now = self._around.clock.now()
        config = self._around.expanded(instance).config
        taken = {snapshot.name for snapshot in self._around.snapshot_list(instance)}
        if not name:
            names = {"project": instance.project, "instance": instance.name}
            pattern = occasion.schedule.pattern if occasion else config.get("snapshots.pattern", "")
            name = next_name(pattern, now.astimezone(), taken, names)
        record = f'Failed creating instance snapshot record "{name}"'
        try:
            check_snapshot_name(name)
        except BadRequestError as error:
            raise BadRequestError(f"{record}: {error}") from error
        if name in taken:
            raise ConflictError(
                f'{record}: Add snapshot info to the database: This "instances_snapshots" entry already exists'
            )
        return Snapshot(
            name=name,
            created_at=now,
            expires_at=_expiry(expires, occasion.schedule.expiry if occasion else manual_expiry(config), now),
            architecture=instance.architecture,
            config=instance.config,
            devices=instance.devices,
            profiles=instance.profiles,
            ephemeral=instance.ephemeral,
            instance_description=instance.description,
            schedule=occasion.schedule.label if occasion else "",
            due_at=occasion.due_at if occasion else None,
        )

    # --- change -----------------------------------------------------------------------------------------------------

    def update(self, caller: Caller, instance: str, name: str, change: SnapshotChange) -> Operation:
        """Start to change what can be changed of it."""
        self.get(caller.project, instance, name)
        found = self._around.instance(caller.project, instance)

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "update") as current:
                before = self._find(current, name)
                after = change.applied_to(before)
                if after != before:
                    with self._around.database.write() as connection:
                        snapshots_table.update(connection, current.project, current.name, after)
                self._around.tell_snapshot(caller, current, name, "updated")

        return self._start(caller, "Updating snapshot", found, work)

    def rename(self, caller: Caller, instance: str, name: str, new_name: str) -> Operation:
        """Start to give it another name."""
        found = self._around.instance(caller.project, instance)
        self._find(found, name)
        check_snapshot_name(new_name)
        self._check_free(found, new_name)

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "snapshot rename") as current:
                self._find(current, name)
                self._check_free(current, new_name)
                self._rename(current, name, new_name)
            self._around.tell_snapshot(caller, found, new_name, "renamed", old_name=f"{instance}/{name}")

        return self._start(caller, "Renaming snapshot", found, work)

    def _rename(self, instance: Instance, name: str, new_name: str) -> None:
        driver = self._around.driver(instance)
        intent = self._around.intents.open(
            RENAME_INTENT,
            {"project": instance.project, "instance": instance.name, "snapshot": name, "new_name": new_name},
        )
        try:
            reach("snapshot-rename:intent")
            driver.rename_snapshot(volume_of(instance), name, new_name)
            reach("snapshot-rename:renamed")
            with self._around.database.write() as connection:
                snapshots_table.rename(connection, instance.project, instance.name, name, new_name)
                self._around.intents.close(intent, connection)
        except BaseException:
            self.undo_rename(intent)
            raise
        reach("snapshot-rename:committed")

    def set_aside(self, caller: Caller, instance: Instance, snapshot: Snapshot, others: Collection[str]) -> None:
        """Give a snapshot of an instance that the caller holds a name with its time, as `others` are to have theirs."""
        taken = {*others, *(each.name for each in self._around.snapshot_list(instance))}
        stem = snapshot.name.encode()[:_STEM_BYTES].decode(errors="ignore")
        dated = f"{stem}-{snapshot.created_at:%Y%m%d-%H%M%S}"
        names = chain((dated,), (f"{dated}-{number}" for number in count(2)))
        new_name = next(name for name in names if name not in taken)
        self._rename(instance, snapshot.name, new_name)
        self._around.tell_snapshot(caller, instance, new_name, "renamed", old_name=f"{instance.name}/{snapshot.name}")

    def undo_rename(self, intent: Intent) -> None:
        """Take the tree back to the name that the record still has. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(instance)
        driver.rename_snapshot(volume_of(instance), intent.text("new_name"), intent.text("snapshot"))
        self._around.intents.close(intent)

    # --- delete -----------------------------------------------------------------------------------------------------

    def delete(self, caller: Caller, instance: str, name: str) -> Operation:
        """Start to delete it; a held one is refused."""
        found = self._around.instance(caller.project, instance)
        check_none_held(found, [self._find(found, name)])

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "snapshot delete") as current:
                self.remove(caller, current, name)

        return self._start(caller, "Deleting snapshot", found, work)

    def remove(self, caller: Caller | None, instance: Instance, name: str) -> None:
        """Delete a snapshot of an instance that the caller holds; one that is held itself is refused."""
        check_none_held(instance, [self._find(instance, name)])
        driver = self._around.driver(instance)  # before the intent: a deletion that is refused leaves none
        intent = self._around.intents.open(
            DELETE_INTENT, {"project": instance.project, "instance": instance.name, "snapshot": name}
        )
        try:
            reach("snapshot-delete:intent")
            self.finish_delete(intent)
        except Exception:
            if driver.exists(volume_of(instance), name):
                self._around.intents.close(intent)  # nothing has been done: it isn't to go when it is next touched
                raise
            self.finish_delete(intent)
        self._around.tell_snapshot(caller, instance, name, "deleted")

    def finish_delete(self, intent: Intent) -> None:
        """Do it, or what a crash left of it. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        name, driver = intent.text("snapshot"), self._around.driver(instance)
        driver.withdraw(volume_of(instance), intent.token(), name)
        reach("snapshot-delete:withdrawn")
        with self._around.database.write() as connection:
            snapshots_table.delete(connection, instance.project, instance.name, name)
            self._around.intents.close(intent, connection)
        reach("snapshot-delete:committed")
        discard_all(driver, intent.token())
        self._bases.discard_unrecorded(driver)

    def _find(self, instance: Instance, name: str) -> Snapshot:
        with self._around.database.read() as connection:
            snapshot = snapshots_table.get(connection, instance.project, instance.name, name)
        if snapshot is None:
            raise SnapshotNotFoundError(instance.project, instance.name, name)
        return snapshot

    def _check_free(self, instance: Instance, name: str) -> None:
        if any(snapshot.name == name for snapshot in self._around.snapshot_list(instance)):
            raise ConflictError(f"Name '{instance.name}/{name}' already in use")

    def _start(self, caller: Caller, description: str, instance: Instance, work: Work) -> Operation:
        resources = instance_resources(caller.project, instance.name, instance_type=instance.type)
        return self._around.operations.start(caller, description, work, resources=resources)


def manual_expiry(config: Config) -> str:
    """Return the rule for snapshots that a person makes: theirs, else that of all."""
    return config.get("snapshots.expiry.manual") or config.get("snapshots.expiry", "")


def _expiry(expires: Expires, rule: str, now: datetime) -> datetime | None:
    if isinstance(expires, Never):
        return None
    return expires if expires is not None else expiry_time(rule, now)
