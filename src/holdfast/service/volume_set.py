"""A snapshot of an instance together with the volumes that only it uses: all trees of one moment, all or none.

Staged trees: token 0 for the instance, token n for the n-th volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from holdfast.db import snapshots as snapshots_table
from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.model.disk_volumes import with_attached
from holdfast.model.errors import BadRequestError, ConflictError, VolumeNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.names import check_snapshot_name
from holdfast.model.operation import JsonValue, Operation
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY
from holdfast.model.volume_use import attachments
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.instance_requests import Expires
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock, instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources
from holdfast.service.snapshots import SnapshotService
from holdfast.service.stillness import still, thaw
from holdfast.service.surroundings import volume_of
from holdfast.service.taking_back import take_back
from holdfast.service.volume_building import new_uuid
from holdfast.service.volume_set_members import Member
from holdfast.service.volume_snapshots import VolumeSnapshotService
from holdfast.service.volume_store import VolumeStore, lock_on
from holdfast.service.volume_users import VolumeUse
from holdfast.storage.driver import Origin

INTENT_KIND: Final = "volume-set-snapshot"


class VolumeSetService:
    """Takes snapshots of instances with their volumes."""

    def __init__(self, store: VolumeStore, snapshots: SnapshotService, volume_snapshots: VolumeSnapshotService) -> None:
        self._store, self._around = store, store.around
        self._snapshots, self._volume_snapshots = snapshots, volume_snapshots

    def snapshot(
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
        """Start; without a volume that only this instance uses it is a snapshot of the instance alone."""
        found = self._around.instance(caller.project, instance)
        if stateful:
            raise BadRequestError("A snapshot with the state of processes can't be taken together with volumes")
        expires = self._snapshots.expires(expires, expiry)
        if name:
            check_snapshot_name(name)

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "snapshot") as current:
                self.take(caller, current, name, expires, handle, description=description)

        resources = instance_resources(caller.project, instance, instance_type=found.type)
        return self._around.operations.start(caller, "Snapshotting instance", work, resources=resources)

    def take(
        self,
        caller: Caller,
        instance: Instance,
        name: str,
        expires: Expires,
        handle: OperationHandle,
        *,
        description: str = "",
    ) -> None:
        """Take a snapshot of an instance that the caller holds, with its volumes."""
        with self._exclusive(instance) as volumes:
            if not volumes:
                self._snapshots.take(caller, instance, name, expires, handle, description=description)
                return
            snapshot = replace(self._snapshots.planned(instance, name, expires), description=description)
            members = [Member(volume, self._plan(instance, snapshot, volume)) for volume in volumes]
            taken = {each.volume.config[UUID_KEY]: each.snapshot.config[UUID_KEY] for each in members}
            snapshot = replace(snapshot, config=with_attached(snapshot.config, taken))
            self._take(instance, snapshot, members, handle)
        self._around.tell_snapshot(caller, instance, snapshot.name, "created")
        for member in members:
            self._store.tell_snapshot(caller, member.volume, member.snapshot.name, "created")

    @contextmanager
    def _exclusive(self, instance: Instance) -> Iterator[Sequence[CustomVolume]]:
        """Hold alone the volumes that this instance and no other shows; give them as they are then."""
        names = [lock_on(volume) for volume in self._find_exclusive(instance)]
        with self._around.locks.hold(*names, what="snapshot"):
            volumes = self._find_exclusive(instance)
            if any(lock_on(volume) not in names for volume in volumes):
                raise ConflictError("The instance's volumes are changed by others meanwhile: try again")
            yield [self._with_identity(volume) for volume in volumes]

    def _find_exclusive(self, instance: Instance) -> Sequence[CustomVolume]:
        devices, home = self._around.expanded(instance).devices, self._store.home(instance.project)
        shown = sorted({(each.pool, each.name) for each in attachments(devices)})
        me = (instance.project, instance.name)
        with self._around.database.read() as connection:
            use = VolumeUse(connection)
            found = [volumes_table.get(connection, pool, home, name) for pool, name in shown]
        there = [volume for volume in found if volume is not None]
        return [volume for volume in there if {(each.project, each.name) for each in use.of(volume).instances} <= {me}]

    def _with_identity(self, volume: CustomVolume) -> CustomVolume:
        """Return a volume that has a UUID; one that came from elsewhere may have none yet."""
        if UUID_KEY in volume.config:
            return volume
        named = replace(volume, config={**volume.config, UUID_KEY: new_uuid()})
        with self._around.database.write() as connection:
            volumes_table.update(connection, named)
        return named

    def _plan(self, instance: Instance, snapshot: Snapshot, volume: CustomVolume) -> VolumeSnapshot:
        """Return the record of a volume's snapshot: it has the instance's name and time if it can, and its expiry."""
        taken = {each.name for each in self._store.snapshots(volume)}
        name, number = snapshot.name, 0
        while name in taken:
            name, number = f"{snapshot.name}-{number}", number + 1
        description = f"Taken with {instance.name}/{snapshot.name}"
        planned = self._volume_snapshots.plan(volume, name, None, description=description)
        return replace(planned, created_at=snapshot.created_at, expires_at=snapshot.expires_at)

    def _take(self, instance: Instance, snapshot: Snapshot, members: Sequence[Member], handle: OperationHandle) -> None:
        self._check_places(instance, snapshot, members)
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "instance": instance.name,
                "snapshot": snapshot.name,
                "members": [payload_of_member(each) for each in members],
            },
        )
        try:
            reach("volume-set-snapshot:intent")
            self._stage(intent, instance, members, handle)
            self._publish(intent, instance, snapshot, members)
        except BaseException:
            self.undo(intent)
            raise
        reach("volume-set-snapshot:committed")

    def _check_places(self, instance: Instance, snapshot: Snapshot, members: Sequence[Member]) -> None:
        if self._around.driver(instance).exists(volume_of(instance), snapshot.name):
            raise ConflictError(f"Snapshot {instance.name}/{snapshot.name} is in its pool, but not in the database")
        for member in members:
            self._volume_snapshots.check_place(member.volume, member.snapshot.name)

    def _stage(self, intent: Intent, instance: Instance, members: Sequence[Member], handle: OperationHandle) -> None:
        driver = self._around.driver(instance)
        with still(self._around, intent, instance, in_any_case=True):
            driver.stage(intent.token(), Origin(volume=volume_of(instance)), cancelled=handle.is_cancelled)
            for number, member in enumerate(members, start=1):
                origin = Origin(volume=member.volume.address)
                self._store.driver(member.volume).stage(intent.token(number), origin, cancelled=handle.is_cancelled)
            reach("volume-set-snapshot:staged")
        driver.sync(intent.token())
        for number, member in enumerate(members, start=1):
            self._store.driver(member.volume).sync(intent.token(number))
        reach("volume-set-snapshot:synced")

    def _publish(self, intent: Intent, instance: Instance, snapshot: Snapshot, members: Sequence[Member]) -> None:
        driver = self._around.driver(instance)
        driver.publish_snapshot(intent.token(), volume_of(instance), snapshot.name)
        reach("volume-set-snapshot:publishing")
        for number, member in enumerate(members, start=1):
            volume = member.volume
            self._store.driver(volume).publish_snapshot(intent.token(number), volume.address, member.snapshot.name)
        reach("volume-set-snapshot:published")
        with self._around.database.write() as connection:
            snapshots_table.insert(connection, instance.project, instance.name, snapshot)
            for member in members:
                volume_snapshots_table.insert(connection, member.volume, member.snapshot)
            self._around.intents.close(intent, connection)

    def undo(self, intent: Intent) -> None:
        """Remove every tree of a set that isn't recorded, and thaw the instance. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        thaw(self._around, intent)
        take_back(self._around.driver(instance), volume_of(instance), intent.token(), intent.text("snapshot"))
        for number, member in enumerate(members_of(intent), start=1):
            try:
                volume = self._store.at(member["project"], member["pool"], member["volume"])
            except VolumeNotFoundError:
                continue
            take_back(self._store.driver(volume), volume.address, intent.token(number), member["snapshot"])
        self._around.intents.close(intent)


def payload_of_member(member: Member) -> JsonValue:
    """Return what names a member in an intent."""
    volume = member.volume
    return {
        "pool": volume.pool,
        "project": volume.project,
        "volume": volume.name,
        "snapshot": member.snapshot.name,
    }


def members_of(intent: Intent) -> list[dict[str, str]]:
    """Return what `payload_of_member` wrote."""
    members = intent.payload["members"]
    assert isinstance(members, list)
    found: list[dict[str, str]] = []
    for member in members:
        assert isinstance(member, dict)
        found.append({key: str(value) for key, value in member.items()})
    return found


def locks_of_set(intent: Intent) -> Sequence[str]:
    """Tell the locks that the work on a set holds alone."""
    volumes = [custom_volume_lock(each["pool"], each["project"], each["volume"]) for each in members_of(intent)]
    return [instance_lock(intent.text("project"), intent.text("instance")), *volumes]
