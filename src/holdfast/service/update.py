"""Changing an instance's config, devices, profiles and description: the final record is checked as a whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import replace

from holdfast.model.config_values import is_false
from holdfast.model.errors import BadRequestError
from holdfast.model.expand import expand_config, expand_devices, root_device
from holdfast.model.instance import Devices, Instance
from holdfast.model.instance_changes import InstanceChange, check_update, patched, replaced
from holdfast.model.instance_identity import with_addresses
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.model.root_disk import root_size_bytes
from holdfast.model.volume_use import is_volume_device
from holdfast.service.caller import Caller
from holdfast.service.live_limits import LiveLimits
from holdfast.service.live_mounts import LiveMounts
from holdfast.service.locks import profile_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources
from holdfast.service.start_spec import check_new_nics
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.volume_devices import VolumeDevices

_Apply = Callable[[Instance, InstanceChange], Instance]


class Updater:
    """Updates instances; limits and disks count at once, what a running one can't take over from its next start."""

    def __init__(self, surroundings: Surroundings, limits: LiveLimits, mounts: LiveMounts) -> None:
        self._around, self._limits, self._mounts = surroundings, limits, mounts
        self._volumes = VolumeDevices(surroundings)

    def update(self, caller: Caller, name: str, change: InstanceChange) -> Operation:
        """Start to replace everything that can be changed; a record that can't stand fails the operation."""
        instance = self._around.instance(caller.project, name)

        def work(handle: OperationHandle) -> None:
            self._apply(caller, name, change, replaced)

        resources = instance_resources(caller.project, name, instance_type=instance.type)
        return self._around.operations.start(caller, "Updating instance", work, resources=resources)

    def replace(self, caller: Caller, name: str, change: InstanceChange) -> None:
        """Replace everything that can be changed, before this returns."""
        self._apply(caller, name, change, replaced)

    def patch(self, caller: Caller, name: str, change: InstanceChange) -> None:
        """Change what is given, before this returns."""
        self._apply(caller, name, change, patched)

    def _apply(self, caller: Caller, name: str, change: InstanceChange, apply: _Apply) -> None:
        draft = apply(self._around.instance(caller.project, name), change)
        needed = self._around.profiles.for_instance(caller.project, draft.profiles)
        locks = [profile_lock(each.project, each.name) for each in needed]
        with (
            self._around.locks.hold(*locks, shared=True, what="update"),
            self._around.alone(caller.project, name, "update") as before,
        ):
            after = apply(before, change)
            if after.architecture != before.architecture:
                raise BadRequestError("The architecture of an instance can't be changed")
            profiles = self._around.profiles.for_instance(before.project, after.profiles)
            check_update(before, after, profiles)
            _check_sources(before.devices, after.devices)
            devices = expand_devices(profiles, after.devices)
            after = replace(after, config=with_addresses(after.config, devices, secrets.token_bytes))
            config = expand_config(profiles, after.config)
            former = self._around.expanded(before)
            if self._around.status(before) is not StatusCode.STOPPED:
                check_new_nics(former.devices, devices)
            with (
                self._volumes.keeping(before.project, devices, before=former.devices),
                self._limits.changed(before, former.config, config),
                self._mounts.changed(before, former.devices, devices),
            ):
                self._apply_size(before, after, devices)
                self._around.save(after)
            self._around.tell(caller, after, "updated")

    def _apply_size(self, before: Instance, after: Instance, devices: dict[str, dict[str, str]]) -> None:
        former = root_device(self._around.expanded(before).devices)
        size_bytes = root_size_bytes(devices)
        if former is None or root_size_bytes({former[0]: former[1]}) != size_bytes:
            self._around.driver(after).set_quota(volume_of(after), size_bytes)


def _check_sources(before: Devices, after: Devices) -> None:
    """Refuse a new device whose source isn't there; one that vanishes later is told at the next start."""
    for name, device in after.items():
        is_of_host = device.get("type") == "disk" and not is_volume_device(device)
        source = device.get("source", "") if is_of_host else ""
        is_new = before.get(name, {}).get("source") != source
        if source and is_new and not is_false(device.get("required")) and not os.path.exists(source):
            raise BadRequestError(
                f'Failed add validation for device "{name}": Missing source path "{source}" for disk "{name}"'
            )
