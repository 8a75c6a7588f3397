"""The options of commands that make an instance, and the request that comes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from holdfast.cli.references import parse_device_overrides, parse_pairs

if TYPE_CHECKING:
    from holdfast.client.client import Client
    from holdfast.client.shapes import DeviceMap

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Wishes:
    """What the user asked for beside the name and the source."""

    config: tuple[str, ...]
    device: tuple[str, ...]
    profile: tuple[str, ...]
    no_profiles: bool
    storage: str
    ephemeral: bool


def creation_options(function: Function) -> Function:
    """Add -c, -d, -p, --no-profiles, -s and -e."""
    for option in (
        click.option("-e", "--ephemeral", is_flag=True, help="Delete the instance when it stops"),
        click.option("-s", "--storage", default="", metavar="POOL", help="Keep its root disk in this pool"),
        click.option("--no-profiles", is_flag=True, help="Apply no profiles"),
        click.option("-p", "--profile", multiple=True, metavar="NAME", help="Apply this profile (may be repeated)"),
        click.option("-d", "--device", multiple=True, metavar="DEVICE,KEY=VALUE", help="Set an option of a device"),
        click.option("-c", "--config", multiple=True, metavar="KEY=VALUE", help="Set a configuration key"),
    ):
        function = option(function)
    return function


def profiles_of(wishes: Wishes) -> list[str] | None:
    """Return the profiles that were asked for; None leaves the choice to the server."""
    if wishes.no_profiles:
        return []
    return list(wishes.profile) or None


def inherited_devices(client: Client, profiles: list[str] | None) -> DeviceMap:
    """Return the devices that profiles give; later profiles win."""
    devices: DeviceMap = {}
    for name in ["default"] if profiles is None else profiles:
        devices.update(client.profiles.get(name)["devices"])
    return devices


def apply_devices(
    client: Client, wishes: Wishes, devices: Mapping[str, Mapping[str, str]], profiles: list[str] | None
) -> DeviceMap:
    """Return the instance's own devices: those given, changed as -d and -s want it.

    A device that comes from a profile is copied whole into the instance before it is changed; one that is to be of
    another type is replaced as a whole, so that `type=none` turns it off.
    """
    own = {name: dict(device) for name, device in devices.items()}
    overrides = parse_device_overrides(wishes.device)
    inherited: DeviceMap = {}
    if overrides or wishes.storage:
        inherited = inherited_devices(client, profiles)
    if wishes.storage:
        root = _root_name({**inherited, **own}) or "root"
        base = own.get(root) or inherited.get(root) or {"type": "disk", "path": "/"}
        own[root] = {**base, "pool": wishes.storage}
    for name, settings in overrides.items():
        before = own.get(name) or inherited.get(name)
        if before is None and "type" not in settings:
            raise click.UsageError(f'There is no device "{name}" to change; to add one, give its type as well')
        before = before or {}
        is_same_type = settings.get("type", before.get("type")) == before.get("type")
        own[name] = {**before, **settings} if is_same_type else settings
    return own


def apply_config(wishes: Wishes, config: Mapping[str, str]) -> dict[str, str]:
    """Return the configuration with what -c sets on top."""
    return {**config, **parse_pairs(wishes.config)}


def _root_name(devices: Mapping[str, Mapping[str, str]]) -> str | None:
    for name, device in devices.items():
        if device.get("type") == "disk" and device.get("path") == "/":
            return name
    return None
