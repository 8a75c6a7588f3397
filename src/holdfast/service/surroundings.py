"""What every service of instances works with, and what all of them ask: which record, which volume, does it run?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.model.errors import BadRequestError, InstanceNotFoundError
from holdfast.model.expand import expand_config, expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import JsonValue
from holdfast.model.storage import Volume, instance_volume
from holdfast.runtime.base import Runtime
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.intents import IntentLog
from holdfast.service.locks import Locks, instance_lock
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths, instance_key
from holdfast.service.pools import PoolService
from holdfast.service.profiles import ProfileService
from holdfast.service.resources import instance_url, snapshot_url
from holdfast.storage.driver import Driver


@dataclass(frozen=True, slots=True)
class Expanded:
    """An instance's config and devices with its profiles applied."""

    config: dict[str, str]
    devices: dict[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """The parts below, given once to each service; thread-safe as they are."""

    database: Database
    paths: Paths
    pools: PoolService
    profiles: ProfileService
    runtime: Runtime
    locks: Locks
    intents: IntentLog
    operations: Operations
    events: EventBus
    clock: Clock

    def instance(self, project: str, name: str) -> Instance:
        with self.database.read() as connection:
            instance = instances_table.get(connection, project, name)
        if instance is None:
            raise InstanceNotFoundError(name)
        return instance

    def exists(self, project: str, name: str) -> bool:
        with self.database.read() as connection:
            return instances_table.get(connection, project, name) is not None

    def snapshot_list(self, instance: Instance) -> list[Snapshot]:
        """Return its snapshots, oldest first."""
        with self.database.read() as connection:
            return snapshots_table.list_for(connection, instance.project, instance.name)

    def save(self, instance: Instance) -> None:
        with self.database.write() as connection:
            instances_table.update(connection, instance)

    def expanded(self, instance: Instance) -> Expanded:
        """Apply its profiles as they are now; one that is gone raises `ProfileNotFoundError`."""
        profiles = self.profiles.for_instance(instance.project, instance.profiles)
        return Expanded(expand_config(profiles, instance.config), expand_devices(profiles, instance.devices))

    def driver(self, instance: Instance) -> Driver:
        return self.pools.driver(instance.pool)

    def status(self, instance: Instance) -> StatusCode:
        return self.runtime.status(key_of(instance))

    def require_stopped(self, instance: Instance, text: str) -> None:
        if self.status(instance) is not StatusCode.STOPPED:
            raise BadRequestError(text)

    @contextmanager
    def alone(self, project: str, name: str, what: str) -> Iterator[Instance]:
        """Hold the instance for a change that is named to others who wait; give its record as it is then."""
        with self.locks.hold(instance_lock(project, name), what=what):
            yield self.instance(project, name)

    @contextmanager
    def shared(self, project: str, name: str, what: str) -> Iterator[Instance]:
        """Hold the instance together with others that leave its trees where they are."""
        with self.locks.hold(instance_lock(project, name), shared=True, what=what):
            yield self.instance(project, name)

    @contextmanager
    def powered(self, project: str, name: str, what: str) -> Iterator[Instance]:
        """Hold the instance for a change of power alone: beside what reads its trees, such as an export."""
        lock = instance_lock(project, name)
        with self.locks.hold(lock, shared=True, what=what), self.locks.hold(f"{lock}#power", what=what):
            yield self.instance(project, name)

    def tell(self, caller: Caller | None, instance: Instance, verb: str, **context: JsonValue) -> None:
        """Publish "instance-<verb>"."""
        source = instance_url(instance.project, instance.name)
        self.events.lifecycle(caller, instance.project, f"instance-{verb}", source, **context)

    def tell_snapshot(
        self, caller: Caller | None, instance: Instance, name: str, verb: str, **context: JsonValue
    ) -> None:
        """Publish "instance-snapshot-<verb>"."""
        source = snapshot_url(instance.project, instance.name, name)
        self.events.lifecycle(caller, instance.project, f"instance-snapshot-{verb}", source, **context)


def key_of(instance: Instance) -> str:
    """Return the runtime's name of an instance."""
    return instance_key(instance.project, instance.name)


def volume_of(instance: Instance) -> Volume:
    """Return the address of its root volume."""
    return instance_volume(instance.type, instance.project, instance.name)
