"""A hold on a snapshot that was taken together with volumes holds their snapshots with it, as does its release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from holdfast.db import snapshots as snapshots_table
from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.model.disk_volumes import attached
from holdfast.model.errors import BadRequestError, ConflictError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.operation import Operation
from holdfast.model.volume_keys import UUID_KEY
from holdfast.service.caller import Caller
from holdfast.service.instance_requests import SnapshotChange
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources
from holdfast.service.snapshots import SnapshotService
from holdfast.service.volume_set_members import Member
from holdfast.service.volume_store import VolumeStore, lock_on


class VolumeSetHolds:
    """Holds and releases snapshots of instances with their volumes."""

    def __init__(self, store: VolumeStore, snapshots: SnapshotService) -> None:
        self._store, self._around, self._snapshots = store, store.around, snapshots

    def update(self, caller: Caller, instance: str, name: str, change: SnapshotChange) -> Operation:
        """Start to change a snapshot; only a hold is passed on to the volumes, and only to those that are there."""
        found = self._around.instance(caller.project, instance)
        snapshot = self._snapshots.get(caller.project, instance, name).snapshot
        if change.is_held is None or not _attached(snapshot):
            return self._snapshots.update(caller, instance, name, change)

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "update") as current:
                self._update(caller, current, self._snapshots.get(caller.project, instance, name).snapshot, change)

        resources = instance_resources(caller.project, instance, instance_type=found.type)
        return self._around.operations.start(caller, "Updating snapshot", work, resources=resources)

    def _update(self, caller: Caller, instance: Instance, snapshot: Snapshot, change: SnapshotChange) -> None:
        after = change.applied_to(snapshot)
        names = [lock_on(member.volume) for member in self._members(instance, snapshot)]
        with self._around.locks.hold(*names, what="update"):
            members = self._members(instance, snapshot)
            if any(lock_on(member.volume) not in names for member in members):
                raise ConflictError("The snapshot's volumes are changed by others meanwhile: try again")
            staying = set() if after.is_held else self._held_by_others(instance, snapshot)
            changed = [
                each
                for each in members
                if each.snapshot.is_held != after.is_held and each.snapshot.config[UUID_KEY] not in staying
            ]
            with self._around.database.write() as connection:
                snapshots_table.update(connection, instance.project, instance.name, after)
                for member in changed:
                    held = replace(member.snapshot, is_held=after.is_held)
                    volume_snapshots_table.update(connection, member.volume, held)
        self._around.tell_snapshot(caller, instance, snapshot.name, "updated")
        for member in changed:
            self._store.tell_snapshot(caller, member.volume, member.snapshot.name, "updated")

    def _members(self, instance: Instance, snapshot: Snapshot) -> Sequence[Member]:
        """Return the volumes' snapshots that belong to it, as far as they are still there."""
        wanted = _attached(snapshot)
        with self._around.database.read() as connection:
            volumes = volumes_table.list_all(connection, project=self._store.home(instance.project))
            return [
                Member(volume, each)
                for volume in volumes
                if volume.config.get(UUID_KEY) in wanted
                for each in volume_snapshots_table.list_for(connection, volume)
                if each.config.get(UUID_KEY) == wanted[volume.config[UUID_KEY]]
            ]

    def _held_by_others(self, instance: Instance, snapshot: Snapshot) -> set[str]:
        """Return the UUIDs of volumes' snapshots that other held ones were taken with: copies of it, for instance."""
        me = (instance.project, instance.name)
        with self._around.database.read() as connection:
            everything = snapshots_table.list_all(connection, None)
        others = [
            each
            for key, taken in everything.items()
            for each in taken
            if each.is_held and (key, each.name) != (me, snapshot.name)
        ]
        return {taken for each in others for taken in _attached(each).values()}


def _attached(snapshot: Snapshot) -> dict[str, str]:
    """Return the UUIDs of volumes and their snapshots; a record from outside that is none doesn't forbid a release."""
    try:
        return attached(snapshot.config)
    except BadRequestError:
        return {}
