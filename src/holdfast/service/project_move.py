"""What becomes of an instance in another project of this server: its records there, and whether they can stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from holdfast.model.disk_volumes import attached
from holdfast.model.errors import BadRequestError, ProfileNotFoundError
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.profile import Profile
from holdfast.model.root_disk import root_in_pool
from holdfast.model.volume_use import attachments
from holdfast.service.former_states import FormerStates
from holdfast.service.instance_building import check_new
from holdfast.service.locks import profile_lock
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_devices import VolumeDevices
from holdfast.service.volume_store import VolumeStore


@dataclass(frozen=True, slots=True)
class Resettled:
    """The records as they are in the other project."""

    instance: Instance
    snapshots: tuple[Snapshot, ...]


class ProjectMoves:
    """Plans moves of instances from one project to another. The root disk stays in its pool."""

    def __init__(self, surroundings: Surroundings, former_states: FormerStates) -> None:
        self._around, self._former = surroundings, former_states
        self._store, self._volumes = VolumeStore(surroundings), VolumeDevices(surroundings)

    def profile_locks(self, instance: Instance, project: str) -> list[str]:
        """Return the locks of the profiles that it will have there; raise for one that isn't there."""
        found = self._profiles(project, instance.profiles, f"Instance {instance.name}")
        return [profile_lock(each.project, each.name) for each in found]

    @contextmanager
    def planned(self, instance: Instance, project: str, name: str) -> Iterator[Resettled]:
        """Give the records, checked, while the volumes that the instance shows there are held.

        The caller holds the instance alone and shares the profiles.
        """
        snapshots = self._around.snapshot_list(instance)
        is_same_home = self._store.home(project) == self._store.home(instance.project)
        if not is_same_home:
            self._refuse_volumes(instance, snapshots)
        profiles = self._profiles(project, instance.profiles, f"Instance {instance.name}")
        devices = root_in_pool(instance.devices, profiles, instance.pool)
        moved = replace(instance, project=project, name=name, devices=devices)
        check_new(moved, profiles)
        there = tuple(self._resettled(each, instance, project) for each in snapshots)
        before = self._around.expanded(instance).devices if is_same_home else None
        with self._volumes.keeping(project, expand_devices(profiles, devices), before=before):
            yield Resettled(moved, there)

    def _resettled(self, snapshot: Snapshot, owner: Instance, project: str) -> Snapshot:
        profiles = self._profiles(project, snapshot.profiles, f"Snapshot {owner.name}/{snapshot.name}")
        return replace(snapshot, devices=root_in_pool(snapshot.devices, profiles, owner.pool))

    def _profiles(self, project: str, names: Sequence[str], what: str) -> Sequence[Profile]:
        try:
            return self._around.profiles.for_instance(project, names)
        except ProfileNotFoundError as error:
            raise BadRequestError(
                f'{what} needs the profile "{error.name}", which project "{project}" hasn\'t: make one of this name'
            ) from error

    def _refuse_volumes(self, instance: Instance, snapshots: Sequence[Snapshot]) -> None:
        """Raise if it shows volumes, now or after a restore: they stay, and others may have their names there."""
        former = self._former.find(instance)
        shown = {f"Instance {instance.name}": instance.devices}
        shown |= {f"Snapshot {instance.name}/{each.name}": each.devices for each in snapshots}
        shown |= {f"What {instance.name} was before its restore": former.instance.devices} if former else {}
        for what, devices in shown.items():
            for each in attachments(devices):
                raise BadRequestError(f'{what} shows the volume "{each.name}", which can\'t go to another project')
        for snapshot in snapshots:
            if attached(snapshot.config):
                what = f"Snapshot {instance.name}/{snapshot.name}"
                raise BadRequestError(f"{what} was taken with volumes, which can't go to another project")
