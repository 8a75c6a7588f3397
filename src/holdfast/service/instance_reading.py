"""Looking at instances: one, or long lists with few queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.db import backups as backups_table
from holdfast.db import instances as instances_table
from holdfast.db import profiles as profiles_table
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Connection
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import SnapshotNotFoundError, StorageError
from holdfast.model.expand import expand_config, expand_devices, root_device
from holdfast.model.instance import Config, Devices, Instance, Snapshot
from holdfast.model.kinds import StatusCode
from holdfast.model.profile import Profile
from holdfast.runtime.base import RuntimeState
from holdfast.service.instance_views import InstanceFull, InstanceState, InstanceView, SnapshotView
from holdfast.service.project_features import home
from holdfast.service.surroundings import Surroundings, key_of, volume_of


class _Profiles:
    """All profiles, read at once; names that are gone are left out, as one may look at what can't start."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._all = {(each.project, each.name): each for each in profiles_table.list_all(connection, None)}
        self._homes: dict[str, str] = {}

    def of(self, project: str, names: Iterable[str]) -> list[Profile]:
        where = self._homes.get(project)
        if where is None:
            where = self._homes[project] = home(self._connection, project, "profiles")
        return [self._all[where, name] for name in names if (where, name) in self._all]


class InstanceReader:
    """Makes the views."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def list(self, project: str | None) -> list[InstanceView]:
        """Return the instances of a project, of all when None."""
        with self._around.database.read() as connection:
            profiles = _Profiles(connection)
            found = [
                (instance, profiles.of(instance.project, instance.profiles))
                for instance in instances_table.list_all(connection, project)
            ]
        return [self._view(instance, applied) for instance, applied in found]

    def configs(self, project: str | None) -> Sequence[tuple[Instance, Config]]:
        """Return each instance of a project, of all when None, with the config that its profiles make."""
        with self._around.database.read() as connection:
            profiles = _Profiles(connection)
            return [
                (instance, expand_config(profiles.of(instance.project, instance.profiles), instance.config))
                for instance in instances_table.list_all(connection, project)
            ]

    def get(self, project: str, name: str) -> InstanceView:
        instance = self._around.instance(project, name)
        with self._around.database.read() as connection:
            applied = _Profiles(connection).of(project, instance.profiles)
        return self._view(instance, applied)

    def list_full(self, project: str | None) -> Sequence[InstanceFull]:
        """Return everything about the instances of a project, of all when None: four queries, however many they are."""
        with self._around.database.read() as connection:
            profiles = _Profiles(connection)
            instances = instances_table.list_all(connection, project)
            snapshots = snapshots_table.list_all(connection, project)
            backups = backups_table.list_all(connection, project)
            found = [(each, profiles.of(each.project, each.profiles)) for each in instances]
            applied = {
                (each.project, snapshot.profiles): profiles.of(each.project, snapshot.profiles)
                for each in instances
                for snapshot in snapshots.get((each.project, each.name), ())
            }
        full = []
        for instance, own in found:
            view = self._view(instance, own)
            key = (instance.project, instance.name)
            views = [
                self._snapshot_view(instance, snapshot, applied[instance.project, snapshot.profiles])
                for snapshot in snapshots.get(key, ())
            ]
            full.append(InstanceFull(view, self._state(view), tuple(views), tuple(backups.get(key, ()))))
        return full

    def full(self, project: str, name: str) -> InstanceFull:
        view = self.get(project, name)
        with self._around.database.read() as connection:
            backups = tuple(backups_table.list_for(connection, BackupOwner(project=project, name=name)))
        return InstanceFull(view, self._state(view), tuple(self.snapshots(project, name)), backups)

    def state(self, project: str, name: str) -> InstanceState:
        return self._state(self.get(project, name))

    def snapshots(self, project: str, name: str) -> Sequence[SnapshotView]:
        """Return the snapshots of an instance, oldest first."""
        instance = self._around.instance(project, name)
        with self._around.database.read() as connection:
            profiles = _Profiles(connection)
            found = [
                (snapshot, profiles.of(project, snapshot.profiles))
                for snapshot in snapshots_table.list_for(connection, project, name)
            ]
        return [self._snapshot_view(instance, snapshot, applied) for snapshot, applied in found]

    def snapshot(self, project: str, name: str, snapshot_name: str) -> SnapshotView:
        instance = self._around.instance(project, name)
        with self._around.database.read() as connection:
            snapshot = snapshots_table.get(connection, project, name, snapshot_name)
            if snapshot is None:
                raise SnapshotNotFoundError(project, name, snapshot_name)
            applied = _Profiles(connection).of(project, snapshot.profiles)
        return self._snapshot_view(instance, snapshot, applied)

    def _view(self, instance: Instance, profiles: Sequence[Profile]) -> InstanceView:
        return InstanceView(
            instance,
            self._around.status(instance),
            expand_config(profiles, instance.config),
            expand_devices(profiles, instance.devices),
        )

    def _snapshot_view(self, instance: Instance, snapshot: Snapshot, profiles: Sequence[Profile]) -> SnapshotView:
        size_bytes = self._used_bytes(instance, snapshot.name)
        return SnapshotView(
            snapshot,
            expand_config(profiles, snapshot.config),
            expand_devices(profiles, snapshot.devices),
            -1 if size_bytes is None else size_bytes,
        )

    def _state(self, view: InstanceView) -> InstanceState:
        if view.status is StatusCode.STOPPED:
            runtime = RuntimeState(status=StatusCode.STOPPED)
        else:
            runtime = self._around.runtime.state(key_of(view.instance))
        return InstanceState(runtime, self._disk(view.instance, view.expanded_devices))

    def _disk(self, instance: Instance, devices: Devices) -> dict[str, int]:
        root, used_bytes = root_device(devices), self._used_bytes(instance)
        return {} if root is None or used_bytes is None else {root[0]: used_bytes}

    def _used_bytes(self, instance: Instance, snapshot: str | None = None) -> int | None:
        """Return what is known cheaply. A pool out of reach, or a volume that just goes, must not spoil a list."""
        if not self._around.pools.is_available(instance.pool):
            return None
        try:
            return self._around.driver(instance).usage_bytes(volume_of(instance), snapshot)
        except StorageError:
            return None
