"""Which devices of an instance or a profile show a custom volume. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.model.errors import VolumeConfigError
from holdfast.model.instance import Device, Devices
from holdfast.model.kinds import ContentType
from holdfast.model.volume import CustomVolume


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """One disk device that shows the volume `name` of `pool`."""

    device: str
    pool: str
    name: str


def is_volume_device(device: Device) -> bool:
    """Tell whether a device shows a custom volume, not a path of the host or the root disk."""
    return device.get("type") == "disk" and bool(device.get("pool")) and bool(device.get("source"))


def attachments(devices: Devices) -> Iterator[Attachment]:
    """Give the devices that show custom volumes, by name."""
    for name, device in sorted(devices.items()):
        if is_volume_device(device):
            yield Attachment(device=name, pool=device["pool"], name=device["source"])


def repointed(
    devices: Devices, pool: str, name: str, *, new_pool: str, new_name: str
) -> dict[str, dict[str, str]] | None:
    """Return the devices with those of a volume changed to its new place and name; None when none of them shows it."""
    shown = {each.device for each in attachments(devices) if (each.pool, each.name) == (pool, name)}
    if not shown:
        return None
    moved = {"pool": new_pool, "source": new_name}
    return {key: {**device, **moved} if key in shown else dict(device) for key, device in devices.items()}


def check_in_container(volume: CustomVolume, path: str) -> None:
    """Raise `VolumeConfigError` if a container can't have this volume at this path."""
    if volume.content_type is not ContentType.FILESYSTEM:
        raise VolumeConfigError("Custom block volumes cannot be used on containers")
    if not path:
        raise VolumeConfigError("Custom filesystem volumes require a path to be defined")
