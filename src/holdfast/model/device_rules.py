"""The rules of devices: which types there are, which keys they take, and which device is the root disk."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_values import Check
from holdfast.model.errors import BadRequestError
from holdfast.model.expand import root_device
from holdfast.model.instance import Device, Devices

SUPPORTED_TYPES: Final = ("disk", "nic", "none")

_DISK_KEYS: Final[Mapping[str, Check]] = {
    "path": values.any_text,
    "pool": values.any_text,
    "source": values.any_text,
    "size": values.size,
    "readonly": values.boolean,
    "required": values.boolean,
    "recursive": values.boolean,
    "shift": values.boolean,
    "boot.priority": values.unsigned,
}

_NIC_KEYS: Final[Mapping[str, Check]] = {
    "nictype": values.one_of("bridged"),
    "parent": values.interface_name,
    "name": values.interface_name,
    "hwaddr": values.hardware_address,
    "mtu": values.unsigned,
    "host_name": values.interface_name,
    "boot.priority": values.unsigned,
}

_KEYS_OF: Final[Mapping[str, Mapping[str, Check]]] = {"disk": _DISK_KEYS, "nic": _NIC_KEYS, "none": {}}


def check_devices(devices: Devices) -> None:
    """Raise `BadRequestError` for the first device, local or of a profile, that can't be used."""
    for name, device in devices.items():
        check_device_name(name)
        try:
            _check_device(device)
        except BadRequestError as error:
            raise BadRequestError(f'Device validation failed for "{name}": {error}') from error
    if sum(_is_root(device) for device in devices.values()) > 1:
        raise BadRequestError("Only one root disk is allowed")


def check_expanded_devices(devices: Devices) -> None:
    """Raise `BadRequestError` if an instance's devices, profiles applied, have no root disk or can't be together."""
    check_devices(devices)
    if root_device(devices) is None:
        raise BadRequestError("Failed getting root disk: No root device could be found")
    seen: dict[str, str] = {}
    for name, device in devices.items():
        is_placed = device.get("type") == "disk" and bool(device.get("path"))
        path = posixpath.normpath(device["path"]) if is_placed else None
        if path is not None and path in seen:
            raise BadRequestError(f'Devices "{seen[path]}" and "{name}" have the same path "{path}"')
        if path is not None:
            seen[path] = name


def check_device_name(name: str) -> None:
    if not name or len(name) > 64:
        raise BadRequestError("Device names have 1 to 64 characters")
    if "/" in name or name in (".", "..") or any(c.isspace() or not c.isprintable() for c in name):
        raise BadRequestError(f'Invalid device name "{name}": Cannot contain slashes or spaces')


def _is_root(device: Device) -> bool:
    return device.get("type") == "disk" and device.get("path") == "/" and not device.get("source")


def _check_device(device: Device) -> None:
    kind = device.get("type", "")
    if not kind:
        raise BadRequestError("Missing device type")
    keys = _KEYS_OF.get(kind)
    if keys is None:
        supported = ", ".join(SUPPORTED_TYPES)
        raise BadRequestError(f'Unsupported device type "{kind}" (this server has {supported})')
    for key, value in device.items():
        if key == "type" or key.startswith("user."):
            continue
        if key not in keys:
            raise BadRequestError(f'Invalid device option "{key}"')
        if value:
            _check_value(key, value, keys[key])
    if kind == "disk":
        _check_disk(device)
    elif kind == "nic":
        _check_nic(device)


def _check_value(key: str, value: str, check: Check) -> None:
    if "\n" in value or "\0" in value:
        raise BadRequestError(f'Invalid value for device option "{key}": line breaks and NUL can\'t be in it')
    try:
        check(value)
    except BadRequestError as error:
        raise BadRequestError(f'Invalid value for device option "{key}": {error}') from error


def _check_disk(device: Device) -> None:
    path, source, pool = device.get("path", ""), device.get("source", ""), device.get("pool", "")
    if not path and not (pool and source):  # whether a volume needs a path depends on its content
        raise BadRequestError('Disk entry is missing the required "path" property')
    if path and (not path.startswith("/") or ".." in path.split("/")):
        raise BadRequestError(f'Invalid path "{path}": it must be absolute and without ".."')
    if path and posixpath.normpath(path) == "/":
        if source:
            raise BadRequestError('Root disk entry may not have a "source" property set')
        if not pool:
            raise BadRequestError('Root disk entry must have a "pool" property set')
        return
    if not source:
        raise BadRequestError('Disk entry is missing the required "source" property')
    if device.get("size"):
        raise BadRequestError("Only the root disk may have a size quota")
    if pool:
        if source.startswith("/"):
            raise BadRequestError("Storage volumes cannot be specified as absolute paths")
        return
    if not source.startswith("/") or ".." in source.split("/"):
        raise BadRequestError(f'Invalid source "{source}": it must be an absolute path of the host, without ".."')


def _check_nic(device: Device) -> None:
    if device.get("nictype") != "bridged":
        raise BadRequestError('A nic needs nictype "bridged" and the name of an existing bridge as parent')
    if not device.get("parent"):
        raise BadRequestError('Nic entry is missing the required "parent" property')
