"""Which pool a new instance's root disk is in, and the local device that says so. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.errors import BadRequestError
from holdfast.model.expand import expand_devices, root_device
from holdfast.model.instance import Device, Devices
from holdfast.model.profile import Profile
from holdfast.model.sizes import parse_bytes


def choose_root(devices: Devices, profiles: Sequence[Profile], pools: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the local devices, with a root disk added when there is none and only one pool it could be in."""
    local = {name: dict(device) for name, device in devices.items()}
    if root_device(expand_devices(profiles, local)) is None and len(pools) == 1:
        local[_free_name(expand_devices(profiles, local))] = {"type": "disk", "path": "/", "pool": pools[0]}
    return local


def known_root(devices: Devices, profiles: Sequence[Profile], pools: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the local devices of another server's instance: a root disk in a pool that isn't here is in the profiles'.

    Without a root disk in the profiles it is as if none were given; `choose_root` then looks for a pool.
    """
    local = {name: dict(device) for name, device in devices.items()}
    found = root_device(local)
    if found is None or found[1].get("pool") in pools:
        return local
    inherited = root_device(expand_devices(profiles, {}))
    if inherited is None:
        return {name: device for name, device in local.items() if name != found[0]}
    return {**local, found[0]: {**found[1], "pool": inherited[1].get("pool", "")}}


def root_in_pool(devices: Devices, profiles: Sequence[Profile], pool: str) -> dict[str, dict[str, str]]:
    """Return the local devices with the root disk in this pool; one of a profile that says otherwise is overridden."""
    expanded = expand_devices(profiles, devices)
    found = root_device(expanded)
    local = {name: dict(device) for name, device in devices.items()}
    if found is not None and found[1].get("pool") == pool:
        return local
    name, device = found or (_free_name(expanded), {"type": "disk", "path": "/"})
    return {**local, name: {**device, "pool": pool}}


def root_pool(devices: Devices) -> str:
    """Return the pool of the root disk in expanded devices."""
    found = root_device(devices)
    if found is None or not found[1].get("pool"):
        raise BadRequestError(
            "Failed creating instance record: Failed initialising instance: Failed getting root disk: "
            "No root device could be found"
        )
    return found[1]["pool"]


def root_size_bytes(devices: Devices) -> int | None:
    """Return the size limit of the root disk in expanded devices, None for none."""
    found = root_device(devices)
    return parse_bytes(found[1].get("size", "")) or None if found else None


def _free_name(devices: dict[str, Device] | dict[str, dict[str, str]]) -> str:
    name, number = "root", 0
    while name in devices:
        name, number = f"root{number}", number + 1
    return name
