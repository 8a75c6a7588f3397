"""The plan of a new instance, and its building: trees in staging, published by rename, the record written last."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import BadRequestError, ConflictError, PoolNotFoundError, ProfileNotFoundError
from holdfast.model.expand import expand_config, expand_devices
from holdfast.model.instance import Devices, Instance, Snapshot
from holdfast.model.instance_changes import (
    DISK_MAP_KEY,
    POWER_KEY,
    check_instance_devices,
    check_profile_names,
    devices_without_empty,
    without_empty,
)
from holdfast.model.instance_identity import UNSHIFTED, id_map_text, new_identity, with_addresses
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.operation import JsonValue
from holdfast.model.profile import Profile
from holdfast.model.root_disk import choose_root, root_pool
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.instance_requests import InstanceRequest
from holdfast.service.intents import Intent
from holdfast.service.locks import pool_lock, profile_lock
from holdfast.service.stillness import thaw
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import take_back
from holdfast.service.volume_devices import VolumeDevices
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "instance-create"
_TAKEN: Final = (
    'Failed creating instance record: Add instance info to the database: This "instances" entry already exists'
)
_HOST_ARCHITECTURE: Final = os.uname().machine

Fill = Callable[[Driver, Intent], None]
"""Makes the staged trees of a new instance: token n for the n-th snapshot, the token after them for itself."""


@dataclass(frozen=True, slots=True)
class NewInstance:
    """The records to write; snapshots oldest first."""

    instance: Instance
    snapshots: tuple[Snapshot, ...]
    profiles: tuple[Profile, ...]
    former_devices: Devices = field(default_factory=dict)
    """Those of what it is a copy of: volumes that they show may be gone since, as for that itself."""


class Builder:
    """Plans and builds instances, whatever they are made of."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._volumes = VolumeDevices(surroundings)

    def profile_names(self, request: InstanceRequest) -> tuple[str, ...]:
        return ("default",) if request.profiles is None else request.profiles

    def check_profiles(self, project: str, request: InstanceRequest) -> None:
        try:
            self._around.profiles.for_instance(project, self.profile_names(request))
        except ProfileNotFoundError as error:
            raise BadRequestError(f'Requested profile "{error.name}" doesn\'t exist') from error

    def next_map(self) -> str:
        """Return the id map of the next start, as it is recorded."""
        idmap = self._around.runtime.default_idmap()
        return id_map_text(idmap.host_base, idmap.size)

    def plan(self, project: str, request: InstanceRequest, config: dict[str, str], template: str) -> NewInstance:
        """Return the record to write; raises for what can't stand. `config` is what comes with the source."""
        profiles = tuple(self._around.profiles.for_instance(project, self.profile_names(request)))
        pools = [pool.name for pool in self._around.pools.list()]
        devices = choose_root(devices_without_empty(request.devices), profiles, pools)
        expanded = expand_devices(profiles, devices)
        pool = root_pool(expanded)
        if pool not in pools:
            raise PoolNotFoundError(pool)
        own = {**without_empty({**config, **request.config}), DISK_MAP_KEY: config.get(DISK_MAP_KEY, UNSHIFTED)}
        own.pop(POWER_KEY, None)
        own = new_identity(own, template=template, next_map=self.next_map(), new_uuid=lambda: str(uuid.uuid4()))
        instance = Instance(
            project=project,
            name=request.name,
            architecture=request.architecture or _HOST_ARCHITECTURE,
            description=request.description,
            created_at=self._around.clock.now(),
            ephemeral=request.ephemeral,
            profiles=self.profile_names(request),
            config=with_addresses(own, expanded, secrets.token_bytes),
            devices=devices,
            pool=pool,
        )
        check_new(instance, profiles)
        return NewInstance(instance, (), profiles)

    @contextmanager
    def keeping(
        self, plan: Callable[[], NewInstance], names: Sequence[str], *, also: Sequence[str] = ()
    ) -> Iterator[NewInstance]:
        """Hold the names alone, and, with others, the pool and the profiles that the plan needs; give the plan."""
        draft = plan()
        needed = [pool_lock(draft.instance.pool), *(profile_lock(each.project, each.name) for each in draft.profiles)]
        locks = self._around.locks
        with locks.hold(*needed, *also, shared=True, what="create"), locks.hold(*names, what="create"):
            new = plan()
            devices = expand_devices(new.profiles, new.instance.devices)
            with self._volumes.keeping(new.instance.project, devices, before=new.former_devices):
                yield new

    def build(self, caller: Caller, new: NewInstance, fill: Fill) -> None:
        """Make the trees, publish them, write the records. The caller holds the name."""
        instance = new.instance
        driver = self._around.driver(instance)
        self.check_free(instance, driver)
        intent = self._around.intents.open(INTENT_KIND, _payload(new))
        try:
            reach("instance-create:intent")
            fill(driver, intent)
            self._publish(driver, intent, new)
        except BaseException:
            self.undo(intent)
            raise
        reach("instance-create:committed")
        context = {"storage-pool": instance.pool, "type": instance.type.value}
        self._around.tell(caller, instance, "created", **context)
        for snapshot in new.snapshots:
            self._around.tell_snapshot(caller, instance, snapshot.name, "created")

    def check_free(self, instance: Instance, driver: Driver) -> None:
        """Raise `ConflictError` if the name is taken, or something is in its place in the pool."""
        if self._around.exists(instance.project, instance.name):
            raise ConflictError(_TAKEN)
        if driver.exists(volume_of(instance)):
            raise ConflictError("Volume already exists on storage but not in database")

    def undo(self, intent: Intent) -> None:
        """Remove what a creation left: staged trees, published ones without a record. Idempotent: recovery calls it."""
        instance = Instance(
            project=intent.text("project"),
            name=intent.text("instance"),
            created_at=self._around.clock.now(),
            pool=intent.text("pool"),
        )
        names = intent.texts("snapshots")
        thaw(self._around, intent)
        try:
            driver, volume = self._around.driver(instance), volume_of(instance)
        except PoolNotFoundError:  # deleted since, and all that was in it
            self._around.intents.close(intent)
            return
        for number, snapshot in enumerate([*names, None]):
            take_back(driver, volume, intent.token(number), snapshot)
        self._around.intents.close(intent)

    def _publish(self, driver: Driver, intent: Intent, new: NewInstance) -> None:
        reach("instance-create:staged")
        count = len(new.snapshots)
        for number in range(count + 1):
            driver.sync(intent.token(number))
        reach("instance-create:synced")
        volume = volume_of(new.instance)
        for number, snapshot in enumerate(new.snapshots):
            driver.publish_snapshot(intent.token(number), volume, snapshot.name)
        driver.publish(intent.token(count), volume)
        reach("instance-create:published")
        with self._around.database.write() as connection:
            instances_table.insert(connection, new.instance)
            for snapshot in new.snapshots:
                snapshots_table.insert(connection, new.instance.project, new.instance.name, snapshot)
            self._around.intents.close(intent, connection)


def check_new(instance: Instance, profiles: Sequence[Profile]) -> None:
    """Raise `BadRequestError` for a record that can't stand, in LXD's words for a new one."""
    try:
        check_instance_config(instance.config)
        check_instance_config(expand_config(profiles, instance.config))
        check_profile_names(instance)
        check_instance_devices(instance, profiles)
    except BadRequestError as error:
        raise BadRequestError(f"Failed creating instance record: {error}") from error


def _payload(new: NewInstance) -> dict[str, JsonValue]:
    return {
        "project": new.instance.project,
        "instance": new.instance.name,
        "pool": new.instance.pool,
        "snapshots": [snapshot.name for snapshot in new.snapshots],
    }
