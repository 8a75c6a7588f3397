"""The keys that the server fills in: an identity for each new instance, addresses for its network interfaces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from holdfast.model.instance import Config, Devices
from holdfast.model.instance_changes import DISK_MAP_KEY

UNSHIFTED: Final = "[]"
UUID_KEY: Final = "volatile.uuid"
CLOUD_INIT_KEY: Final = "volatile.cloud-init.instance-id"
TEMPLATE_KEY: Final = "volatile.apply_template"
BASE_IMAGE_KEY: Final = "volatile.base_image"
NEXT_MAP_KEY: Final = "volatile.idmap.next"
CURRENT_MAP_KEY: Final = "volatile.idmap.current"
ADDRESS_PREFIX: Final = "00:16:3e"
"""The range that Xensource gave for virtual machines, which LXD uses, too."""

NewUuid = Callable[[], str]
RandomBytes = Callable[[int], bytes]


def id_map_text(host_base: int, size: int) -> str:
    """Return one range for users and groups as LXD records it."""
    entry = {"Hostid": host_base, "Nsid": 0, "Maprange": size}
    ranges = [{"Isuid": True, "Isgid": False, **entry}, {"Isuid": False, "Isgid": True, **entry}]
    return json.dumps(ranges, separators=(",", ":"))


def new_identity(config: Config, *, template: str, next_map: str, new_uuid: NewUuid) -> dict[str, str]:
    """Return the config of an instance that begins to be: its own ids, and `template` ("create", "copy") to apply.

    The state of the owners on the disk stays as given; without one they are those seen inside.
    """
    return {
        DISK_MAP_KEY: UNSHIFTED,
        **config,
        "volatile.idmap.base": "0",
        NEXT_MAP_KEY: next_map,
        TEMPLATE_KEY: template,
        UUID_KEY: new_uuid(),
        CLOUD_INIT_KEY: new_uuid(),
    }


def with_addresses(config: Config, devices: Devices, random_bytes: RandomBytes) -> dict[str, str]:
    """Return the config with a hardware address for each network interface that has none."""
    filled = dict(config)
    for name, device in devices.items():
        key = f"volatile.{name}.hwaddr"
        if device.get("type") == "nic" and not device.get("hwaddr") and not filled.get(key):
            filled[key] = ":".join([ADDRESS_PREFIX, *(f"{byte:02x}" for byte in random_bytes(3))])
    return filled
