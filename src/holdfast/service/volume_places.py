"""A volume changes its name or pool, and the devices that show it follow: who is held for that, and what is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.db import profiles as profiles_table
from holdfast.db.database import Connection
from holdfast.model.errors import ConflictError
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_use import repointed
from holdfast.service.locks import custom_volume_lock, instance_lock, profile_lock
from holdfast.service.volume_store import VolumeStore, lock_on
from holdfast.service.volume_users import VolumeUsers

_IN_USE: Final = "Volume is still in use by running instances"


@contextmanager
def moving(
    store: VolumeStore, volume: CustomVolume, *, project: str, pool: str, name: str, what: str
) -> Iterator[tuple[CustomVolume, VolumeUsers]]:
    """Hold a volume, the place where it goes, and all who use it; give the record and the users as they are then.

    Users that run are refused: the mount that they have would stay at the old place.
    """
    before = store.users(volume)
    locks = [
        *(profile_lock(each.project, each.name) for each in before.profiles),
        *(instance_lock(each.project, each.name) for each in before.instances),
        lock_on(volume),
        custom_volume_lock(pool, project, name),
    ]
    with store.around.locks.hold(*locks, what=what):
        current = store.at(volume.project, volume.pool, volume.name)
        users = store.users(current)
        if set(users.urls()) - set(before.urls()):
            raise ConflictError(f'Storage volume "{volume.name}" is being attached by others: try again')
        users.refuse_server(f"Volume is used by the server itself and cannot be {what}d")
        store.refuse_running_users(users, _IN_USE)
        yield current, users


def follow(connection: Connection, users: VolumeUsers, before: CustomVolume, after: CustomVolume) -> None:
    """Write the devices of users so that they show the volume where it is now."""
    for instance in users.instances:
        devices = repointed(instance.devices, before.pool, before.name, new_pool=after.pool, new_name=after.name)
        if devices is not None:  # else a profile shows it
            instances_table.update(connection, replace(instance, devices=devices))
    for profile in users.profiles:
        devices = repointed(profile.devices, before.pool, before.name, new_pool=after.pool, new_name=after.name)
        if devices is not None:
            profiles_table.update(connection, replace(profile, devices=devices))
