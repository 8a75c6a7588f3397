"""Profiles applied to an instance: config per key, devices whole per name, in order, local last (LXD's rule)."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.model.instance import Config, Devices
from holdfast.model.profile import Profile


def expand_config(profiles: Iterable[Profile], local: Config) -> dict[str, str]:
    """Return the expanded config; later profiles win over earlier ones, the instance over all."""
    merged: dict[str, str] = {}
    for profile in profiles:
        merged.update(profile.config)
    merged.update(local)
    return merged


def expand_devices(profiles: Iterable[Profile], local: Devices) -> dict[str, dict[str, str]]:
    """Return the expanded devices; a device of the same name is replaced as a whole."""
    merged: dict[str, dict[str, str]] = {}
    for profile in profiles:
        merged.update({name: dict(device) for name, device in profile.devices.items()})
    merged.update({name: dict(device) for name, device in local.items()})
    return merged


def root_device(devices: Devices) -> tuple[str, dict[str, str]] | None:
    """Return name and properties of the one root disk (type disk, path /, a pool), or None."""
    found = [
        (name, dict(device))
        for name, device in devices.items()
        if device.get("type") == "disk" and device.get("path") == "/" and not device.get("source")
    ]
    return found[0] if len(found) == 1 else None
