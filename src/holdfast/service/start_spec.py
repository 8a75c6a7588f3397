"""What the runtime is told at a start, from an instance's expanded config and devices."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host import network
from holdfast.model.config_values import is_false, is_true
from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Device, Devices, Instance
from holdfast.model.volume_use import is_volume_device
from holdfast.runtime.base import BindMount, IdMap, Nic, StartSpec
from holdfast.service.surroundings import Expanded, key_of
from holdfast.service.volume_devices import ShownVolume

ROOTFS: Final = "rootfs"
_FAILED: Final = 'Failed to start device "{}": {}'


@dataclass(frozen=True, kw_only=True, slots=True)
class StartPlan:
    """What to start, and the volatile keys that this start gives its devices."""

    spec: StartSpec
    device_keys: dict[str, str]


def plan_start(
    instance: Instance,
    expanded: Expanded,
    *,
    volume: Path,
    shown: Mapping[str, ShownVolume],
    log_dir: Path,
    idmap: IdMap | None,
    is_shifted: bool,
) -> StartPlan:
    """Put the specification together; `shown` are the custom volumes by the names of their devices.

    Raises `BadRequestError` naming the device that can't be had.
    """
    device_keys: dict[str, str] = {}
    mounts = disk_mounts(expanded.devices, shown)
    nics: list[Nic] = []
    for name, device in sorted(expanded.devices.items()):
        try:
            if device.get("type") == "nic":
                nic = _nic(name, device, expanded, len(nics))
                nics.append(nic)
                device_keys[f"volatile.{name}.host_name"] = nic.host_name
        except BadRequestError as error:
            raise BadRequestError(_FAILED.format(name, error)) from error
    spec = StartSpec(
        key=key_of(instance),
        hostname=instance.name,
        rootfs=volume / ROOTFS,
        architecture=instance.architecture,
        idmap=idmap,
        is_rootfs_shifted=is_shifted,
        config=expanded.config,
        mounts=mounts,
        nics=tuple(nics),
        log_dir=log_dir,
    )
    return StartPlan(spec=spec, device_keys=device_keys)


def _mount(device: Device, *, may_be_missing: bool) -> BindMount:
    source, is_optional = Path(device["source"]), may_be_missing or is_false(device.get("required"))
    if not source.exists() and not is_optional:
        raise BadRequestError(f'Source path "{source}" doesn\'t exist')
    return BindMount(
        source=source,
        path=device["path"],
        is_read_only=is_true(device.get("readonly")),
        is_optional=is_optional,
        is_recursive=is_true(device.get("recursive")),
        use_idmap=is_true(device.get("shift")),
    )


def disk_mounts(
    devices: Devices, shown: Mapping[str, ShownVolume], *, may_be_missing: bool = False
) -> tuple[BindMount, ...]:
    """Return the mounts of disk devices, the root disk left out; a source that must be there and isn't is an error."""
    mounts: list[BindMount] = []
    for name, device in sorted(devices.items()):
        try:
            if is_volume_device(device):
                if name in shown:
                    mounts.append(_volume_mount(device, shown[name]))
            elif device.get("type") == "disk" and device.get("path") != "/":
                mounts.append(_mount(device, may_be_missing=may_be_missing))
        except BadRequestError as error:
            raise BadRequestError(_FAILED.format(name, error)) from error
    return tuple(mounts)


def _volume_mount(device: Device, shown: ShownVolume) -> BindMount:
    return BindMount(
        source=shown.source,
        path=device["path"],
        is_read_only=is_true(device.get("readonly")),
        is_recursive=is_true(device.get("recursive")),
        use_idmap=shown.use_idmap,
    )


def check_new_nics(before: Devices, after: Devices) -> None:
    """Raise `BadRequestError` for a nic that is new, or has another parent, and that a start would fail at."""
    for name, device in after.items():
        if device.get("type") == "nic" and device.get("parent") != before.get(name, {}).get("parent"):
            try:
                _check_parent(device["parent"])
            except BadRequestError as error:
                raise BadRequestError(_FAILED.format(name, error)) from error


def _check_parent(parent: str) -> None:
    if not network.exists(parent):
        raise BadRequestError(f'Parent device "{parent}" doesn\'t exist')
    if not network.is_bridge(parent):
        raise BadRequestError(f'Parent device "{parent}" is no bridge')


def _nic(name: str, device: Device, expanded: Expanded, number: int) -> Nic:
    parent = device["parent"]
    _check_parent(parent)
    mtu = device.get("mtu")
    return Nic(
        name=device.get("name") or f"eth{number}",
        parent=parent,
        hwaddr=device.get("hwaddr") or expanded.config[f"volatile.{name}.hwaddr"],
        host_name=device.get("host_name") or f"veth{secrets.token_hex(4)}",
        mtu=int(mtu) if mtu else None,
    )
