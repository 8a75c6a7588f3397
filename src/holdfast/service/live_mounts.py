"""Disks come and go at once: what a change of an instance's or a profile's devices means for instances that run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from holdfast.model.errors import HoldfastError
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Devices, Instance
from holdfast.model.kinds import StatusCode
from holdfast.model.profile import Profile
from holdfast.runtime.base import BindMount
from holdfast.service.start_spec import disk_mounts
from holdfast.service.surroundings import Surroundings, key_of
from holdfast.service.volume_devices import VolumeDevices

_log = logging.getLogger(__name__)


class LiveMounts:
    """Brings the mounts of running instances in line with their devices."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._volumes = VolumeDevices(surroundings)

    @contextmanager
    def changed(self, instance: Instance, before: Devices, after: Devices) -> Iterator[None]:
        """Mount what the expanded devices `after` show; go back if what the caller does with them fails."""
        if before == after or self._around.status(instance) is StatusCode.STOPPED:
            yield
            return
        with self._volumes.holding(instance.project, before, after):
            removed, added = self._difference(instance, before, after)
            self._around.runtime.change_mounts(key_of(instance), removed, added)
            try:
                yield
            except BaseException:
                with suppress(HoldfastError):
                    self._around.runtime.change_mounts(key_of(instance), added, removed)
                raise

    def follow_profile(self, before: Profile, after: Profile, users: Sequence[tuple[str, str]]) -> None:
        """Apply a changed profile to those that have it; one that can't follow is logged and does so when it starts."""
        if before.devices == after.devices:
            return
        for project, name in users:
            try:
                with self._around.powered(project, name, "update") as instance:
                    now = self._around.profiles.for_instance(instance.project, instance.profiles)
                    former = [before if each.name == before.name else each for each in now]
                    devices = expand_devices(now, instance.devices)
                    with self.changed(instance, expand_devices(former, instance.devices), devices):
                        pass
            except HoldfastError as error:
                _log.warning("Instance %s doesn't follow its profile %s yet: %s", name, after.name, error)

    def _difference(
        self, instance: Instance, before: Devices, after: Devices
    ) -> tuple[Sequence[BindMount], Sequence[BindMount]]:
        former = {name: device for name, device in before.items() if after.get(name) != device}
        new = {name: device for name, device in after.items() if before.get(name) != device}
        with self._volumes.showing(instance.project, new) as shown:
            added = disk_mounts(new, shown)
        with self._volumes.showing(instance.project, former, may_be_missing=True) as shown:
            return disk_mounts(former, shown, may_be_missing=True), added
