"""What an import makes of a file's definition: the records to write, under the name and in the pool of this server.

Pure: everything that is here already (profiles, pools) comes in as a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from holdfast.archive.definition import IDMAP_KEY, UNSHIFTED, Definition
from holdfast.model.architecture import kernel_name
from holdfast.model.device_rules import check_devices, check_expanded_devices
from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.expand import expand_devices, root_device
from holdfast.model.instance import Config, Device, Devices, Instance, Snapshot
from holdfast.model.instance_identity import CLOUD_INIT_KEY, UUID_KEY, NewUuid
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.kinds import InstanceType
from holdfast.model.names import check_instance_name, check_snapshot_name
from holdfast.model.profile import Profile
from holdfast.model.sizes import parse_bytes
from holdfast.service.attached_import_plan import devices_in_file

_POWER_KEY: Final = "volatile.last_state.power"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportTarget:
    """Where and as what the file comes in, and what the sender wants otherwise than in the file.

    An empty value in `config` takes the key away. `profiles` None leaves those of the file.
    """

    project: str
    name: str
    pool: str
    devices: Mapping[str, Device] = field(default_factory=dict)
    config: Config = field(default_factory=dict)
    profiles: tuple[str, ...] | None = None

    def profile_names(self, source: Instance) -> tuple[str, ...]:
        """Return the profiles that the instance will have."""
        return source.profiles if self.profiles is None else self.profiles


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportPlan:
    """The records as they will be written, and the size limit of the root volume (None: none)."""

    instance: Instance
    snapshots: tuple[Snapshot, ...]
    quota_bytes: int | None


def plan_import(
    definition: Definition, target: ImportTarget, profiles: Sequence[Profile], *, new_uuid: NewUuid
) -> ImportPlan:
    """Return what to write; `profiles` are this server's, in the instance's order. Missing ids are filled in.

    Everything that the file brings is checked as if it had come in a request, the snapshots as well: what hides in a
    snapshot would be let loose by a restore.
    """
    source = definition.instance
    if source.type is not InstanceType.CONTAINER:
        raise ArchiveError("Create instance from backup: Virtual machines can't be imported by this server")
    check_instance_name(target.name)
    if target.profiles is not None and len(set(target.profiles)) != len(target.profiles):
        raise BadRequestError("Duplicate profile found in request")
    _check_wishes(definition, target, profiles)
    devices = _with_root(_overridden(source.devices, target.devices, profiles), target.pool, profiles)
    config = {UUID_KEY: new_uuid(), CLOUD_INIT_KEY: new_uuid(), **_config(_merged(source.config, target.config))}
    _check(config, devices)
    expanded = expand_devices(profiles, devices)
    check_expanded_devices(expanded)
    root = root_device(expanded)
    instance = replace(
        source,
        project=target.project,
        name=target.name,
        pool=target.pool,
        architecture=_architecture(source.architecture),
        config=config,
        devices=devices,
        profiles=target.profile_names(source),
        stateful=False,
    )
    return ImportPlan(
        instance=instance,
        snapshots=tuple(imported_snapshot(snapshot, target.pool) for snapshot in definition.snapshots),
        quota_bytes=parse_bytes(root[1].get("size", "")) or None if root else None,
    )


def imported_snapshot(snapshot: Snapshot, pool: str) -> Snapshot:
    """Return the record of a snapshot that comes from outside, checked; its owners are those inside."""
    check_snapshot_name(snapshot.name)
    devices = _in_pool(snapshot.devices, pool)
    config = _config(snapshot.config)
    _check(config, devices)
    architecture = _architecture(snapshot.architecture)
    return replace(snapshot, architecture=architecture, config=config, devices=devices, stateful=False)


def _architecture(name: str) -> str:
    """Return the kernel's name; one that this host can't run is taken in all the same, so that its data is here."""
    found = kernel_name(name)
    if found is None:
        raise ArchiveError(f"Architecture isn't supported: {name}")
    return found


def _check(config: Config, devices: Devices) -> None:
    check_instance_config(config, is_imported=True)
    check_devices(devices)


def _config(config: Config) -> dict[str, str]:
    """Owners are taken back to those inside on unpacking, and an imported instance doesn't run."""
    kept = {key: value for key, value in config.items() if key != _POWER_KEY}
    return {**kept, IDMAP_KEY: UNSHIFTED}


def _merged(config: Config, wanted: Config) -> dict[str, str]:
    kept = {key: value for key, value in config.items() if key not in wanted}
    return {**kept, **{key: value for key, value in wanted.items() if value}}


def _check_wishes(definition: Definition, target: ImportTarget, profiles: Sequence[Profile]) -> None:
    """Raise for what would be passed over: a device left out that isn't there, a root disk elsewhere or turned off."""
    before = expand_devices(profiles, definition.instance.devices)
    known = {*before, *devices_in_file(definition)}
    after = _overridden(definition.instance.devices, target.devices, profiles)
    for name, wish in target.devices.items():
        if wish.get("type") == "none" and name not in known:
            raise BadRequestError(
                f'Cannot override config for device "{name}": Neither the file nor the profiles have such a device'
            )
        if _is_root(before.get(name, {})) and not _is_root(after[name]):
            raise BadRequestError(f'Device "{name}" is the root disk: an instance can\'t be without it')
        if _is_root(after[name]) and (wish.get("pool") or target.pool) != target.pool:
            raise BadRequestError(
                f'Device "{name}" is the root disk, and can\'t be in pool "{wish["pool"]}": the instance comes into '
                f'pool "{target.pool}"'
            )


def _overridden(
    devices: Devices, wanted: Mapping[str, Device], profiles: Sequence[Profile]
) -> dict[str, dict[str, str]]:
    """Change single options of a device; one that is to be of another type is replaced as a whole."""
    local = {name: dict(device) for name, device in devices.items()}
    inherited = expand_devices(profiles, {})
    for name, device in wanted.items():
        before = local.get(name, inherited.get(name, {}))
        is_same_type = device.get("type", before.get("type")) == before.get("type")
        local[name] = {**before, **device} if is_same_type else dict(device)
    return local


def _in_pool(devices: Devices, pool: str) -> dict[str, dict[str, str]]:
    return {name: {**device, "pool": pool} if _is_root(device) else dict(device) for name, device in devices.items()}


def _with_root(devices: Devices, pool: str, profiles: Sequence[Profile]) -> dict[str, dict[str, str]]:
    """Return the local devices with a root disk in the pool, unless the profiles give the same."""
    local = _in_pool(devices, pool)
    found = root_device(expand_devices(profiles, local))
    if found is not None and found[1].get("pool") == pool:
        return local
    name, device = found or (_free_name(local), {"type": "disk", "path": "/"})
    return {**local, name: {**device, "pool": pool}}


def _free_name(devices: Devices) -> str:
    name, number = "root", 0
    while name in devices:
        name, number = f"root{number}", number + 1
    return name


def wanted_root_pool(definition: Definition | None, devices: Mapping[str, Device]) -> str | None:
    """Return the pool that the sender names for the root disk; old files don't tell what that is called."""
    if definition is None:
        return devices.get("root", {}).get("pool")
    root = root_device(devices_in_file(definition))
    return devices.get(root[0], {}).get("pool") if root else None


def _is_root(device: Device) -> bool:
    return device.get("type") == "disk" and device.get("path") == "/" and not device.get("source")
