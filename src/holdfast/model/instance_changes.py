"""What an update makes of an instance: the new record, checked as a whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.model.config_keys import check_protected_keys
from holdfast.model.device_rules import check_devices, check_expanded_devices
from holdfast.model.errors import BadRequestError
from holdfast.model.expand import expand_config, expand_devices, root_device
from holdfast.model.instance import Config, Devices, Instance
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.profile import Profile
from holdfast.model.usable_rules import INSTANCE_NAMES, check_usable

DISK_MAP_KEY: Final = "volatile.last_state.idmap"
ATTACHED_VOLUMES_KEY: Final = "volatile.attached_volumes"
"""In a snapshot: which snapshots of volumes were taken with it, JSON of the volume's UUID to the snapshot's."""
POWER_KEY: Final = "volatile.last_state.power"
_OURS: Final = (DISK_MAP_KEY, POWER_KEY)
"""Say what is on the disk and what ran: facts, which no request can change (clients send them back, also those of
another instance after a refreshing copy)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceChange:
    """What an update gives; None leaves what is there."""

    architecture: str | None = None
    description: str | None = None
    config: Config | None = None
    devices: Devices | None = None
    profiles: tuple[str, ...] | None = None
    ephemeral: bool | None = None


def replaced(before: Instance, change: InstanceChange) -> Instance:
    """Return the instance after a PUT: config and devices are replaced as a whole."""
    config = before.config if change.config is None else without_empty(change.config)
    return _with_facts(before, change, config, before.devices if change.devices is None else change.devices)


def patched(before: Instance, change: InstanceChange) -> Instance:
    """Return the instance after a PATCH: config is merged per key ("" removes it), devices per name."""
    config = without_empty({**before.config, **(change.config or {})})
    return _with_facts(before, change, config, {**before.devices, **(change.devices or {})})


def check_update(before: Instance, after: Instance, profiles: Sequence[Profile]) -> None:
    """Raise `BadRequestError` for a record that can't stand; `profiles` are those that it names now."""
    try:
        check_instance_config(after.config)
        check_protected_keys(before.config, after.config)
        check_usable(before.config, after.config, INSTANCE_NAMES)
        check_instance_config(expand_config(profiles, after.config))
    except BadRequestError as error:
        raise BadRequestError(f"Invalid config: {error}") from error
    check_profile_names(after)
    check_instance_devices(after, profiles)


def check_profile_names(instance: Instance) -> None:
    if len(set(instance.profiles)) != len(instance.profiles):
        raise BadRequestError("Duplicate profile found in request")


def check_instance_devices(instance: Instance, profiles: Sequence[Profile]) -> None:
    """Raise `BadRequestError` if its devices don't fit, or its root disk is not in the pool where its volume is."""
    devices = expand_devices(profiles, instance.devices)
    try:
        check_devices(instance.devices)
        check_expanded_devices(devices)
    except BadRequestError as error:
        raise BadRequestError(f"Invalid devices: {error}") from error
    root = root_device(devices)
    if root is not None and root[1].get("pool") != instance.pool:
        raise BadRequestError(
            f'Cannot update root disk device pool name to "{root[1].get("pool")}": move the instance instead'
        )


def without_empty(config: Config) -> dict[str, str]:
    """Return the config without keys that are unset by an empty value."""
    return {key: value for key, value in config.items() if value}


def devices_without_empty(devices: Devices) -> dict[str, dict[str, str]]:
    """Return the devices without options that are unset by an empty value."""
    return {name: without_empty(device) for name, device in devices.items()}


def _with_facts(before: Instance, change: InstanceChange, config: Config, devices: Devices) -> Instance:
    facts = {key: before.config[key] for key in _OURS if key in before.config}
    rest = {key: value for key, value in config.items() if key not in _OURS}
    return replace(
        before,
        architecture=change.architecture or before.architecture,
        description=before.description if change.description is None else change.description,
        config={**rest, **facts},
        devices=devices_without_empty(devices),
        profiles=before.profiles if change.profiles is None else change.profiles,
        ephemeral=before.ephemeral if change.ephemeral is None else change.ephemeral,
    )
