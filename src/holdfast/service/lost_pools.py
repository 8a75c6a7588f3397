"""Deleting a pool whose disk is lost: the records of all that was in it go, and nothing else is touched anywhere.

Only what is explicitly asked for, and only of a pool that can't be activated. What would lose more than that (export
files that are kept elsewhere) or leave something dangling (devices, profiles) is refused, and so is what is protected.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from holdfast.db import backups as backups_table
from holdfast.db import instances as instances_table
from holdfast.db import profiles as profiles_table
from holdfast.db import protections as protections_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Connection
from holdfast.model.backup import BackupOwner
from holdfast.model.config_values import is_true
from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance
from holdfast.model.volume import CustomVolume
from holdfast.service.caller import Caller
from holdfast.service.holds import check_no_volume_snapshot_held, check_none_held
from holdfast.service.locks import instance_lock, pool_lock
from holdfast.service.recovery import Recovery
from holdfast.service.surroundings import key_of
from holdfast.service.volume_store import VolumeStore, lock_on, owner_of


class LostPools:
    """Removes pools that are lost, with the records of what was in them; thread-safe."""

    def __init__(self, store: VolumeStore, recovery: Recovery) -> None:
        self._store, self._around, self._recovery = store, store.around, recovery

    def delete(self, caller: Caller, name: str) -> None:
        """Remove the records of all instances and volumes of the pool, then that of the pool.

        Each record goes by itself: what is cut, or refused half way, is to be done again.
        """
        with self._around.locks.hold(pool_lock(name), what="delete"):
            self._around.pools.require_unavailable(name)
            with self._around.database.read() as connection:
                instances = instances_table.list_in_pool(connection, name)
                volumes = volumes_table.list_all(connection, pool=name)
                reasons = [*_shown_elsewhere(connection, name), *self._kept(connection, instances, volumes)]
            reasons += [reason for each in volumes for reason in self._used(each, instances)]
            if reasons:
                raise BadRequestError(f'Storage pool "{name}" can\'t go yet: {"; ".join(reasons)}')
            for instance in instances:
                self._check(instance)
            for volume in volumes:
                check_no_volume_snapshot_held(volume, self._store.snapshots(volume))
            for instance in instances:
                self._forget_instance(caller, instance)
            for volume in volumes:
                self._forget_volume(caller, volume)
            self._around.pools.forget(caller, name)

    def _kept(
        self, connection: Connection, instances: Sequence[Instance], volumes: Sequence[CustomVolume]
    ) -> Iterator[str]:
        """Give what has export files: those are good as long as their own place is."""
        owners = [BackupOwner(project=each.project, name=each.name) for each in instances]
        for owner in (*owners, *(owner_of(each) for each in volumes)):
            if files := backups_table.list_for(connection, owner):
                names = ", ".join(each.name for each in files)
                yield f"the server keeps export files of {owner.name} ({names}): fetch what is needed, and delete them"

    def _used(self, volume: CustomVolume, going: Sequence[Instance]) -> Iterator[str]:
        users = self._store.users(volume)
        if users.is_server:
            yield f"the server keeps export files in volume {volume.name} (storage.backups_volume)"
        gone = {(each.project, each.name) for each in going}
        names = [each.name for each in users.instances if (each.project, each.name) not in gone]
        if names:
            yield f"volume {volume.name} is attached to {', '.join(names)}: detach it there"
        if users.profiles:
            yield f"volume {volume.name} is in the profiles {', '.join(each.name for each in users.profiles)}"

    def _check(self, instance: Instance) -> None:
        """Raise if it runs, or is protected, or has a snapshot that is held: who really wants it to go ends that."""
        self._around.require_stopped(instance, f"Instance {instance.name} is running: stop it first")
        if is_true(self._around.expanded(instance).config.get("security.protection.delete")):
            raise BadRequestError(f"Instance {instance.name} is protected from being deleted")
        check_none_held(instance, self._around.snapshot_list(instance))

    def _forget_instance(self, caller: Caller, found: Instance) -> None:
        lock = instance_lock(found.project, found.name)
        with self._around.locks.hold(lock, what="delete", is_settled=False):
            instance = self._around.instance(found.project, found.name)
            self._check(instance)
            snapshots = self._around.snapshot_list(instance)
            self._recovery.give_up(lock)
            shutil.rmtree(self._around.paths.instance_logs(instance.project, instance.name), ignore_errors=True)
            self._around.runtime.forget(key_of(instance))
            with self._around.database.write() as connection:
                instances_table.delete(connection, instance.project, instance.name)
            for snapshot in reversed(snapshots):
                self._around.tell_snapshot(caller, instance, snapshot.name, "deleted")
            self._around.tell(caller, instance, "deleted")

    def _forget_volume(self, caller: Caller, found: CustomVolume) -> None:
        with self._around.locks.hold(lock_on(found), what="delete", is_settled=False):
            volume = self._store.at(found.project, found.pool, found.name)
            snapshots = self._store.snapshots(volume)
            check_no_volume_snapshot_held(volume, snapshots)
            self._recovery.give_up(lock_on(volume))
            with self._around.database.write() as connection:
                volumes_table.delete(connection, volume.pool, volume.project, volume.name)
            for snapshot in reversed(snapshots):
                self._store.tell_snapshot(caller, volume, snapshot.name, "deleted")
            self._store.tell(caller, volume, "deleted")


def _shown_elsewhere(connection: Connection, pool: str) -> Iterator[str]:
    """Give what names the pool and isn't in it."""
    for profile in profiles_table.list_all(connection, None):
        if any(device.get("type") == "disk" and device.get("pool") == pool for device in profile.devices.values()):
            yield f"profile {profile.name} of project {profile.project} has a disk in it: give it another pool"
    for protection in protections_table.list_all(connection):
        if protection.pool == pool:
            yield f"the protection {protection.name} puts copies there: remove it first"
