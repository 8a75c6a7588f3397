"""What of an import is left out when it is only tried: whatever reaches beyond the instance. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from holdfast.model.expand import expand_config, expand_devices, root_device
from holdfast.model.profile import Profile
from holdfast.service.import_plan import ImportPlan

NAME_PREFIX: Final = "holdfast-test-"
_DROPPED_KEYS: Final = ("boot.", "snapshots.", "security.protection.")
_EMPTIED_KEYS: Final = ("snapshots.",)
_RAW_KEY: Final = "raw.lxc"
_REACHING_OUT: Final = ("lxc.net", "lxc.mount", "lxc.hook")


def for_test(plan: ImportPlan, profiles: Sequence[Profile]) -> ImportPlan:
    """Return the plan without network, disks of others, schedules, start with the server and protection.

    The root disk stays as it is. What profiles bring is masked on the instance; held snapshots are free to go.
    """
    instance = plan.instance
    expanded = expand_devices(profiles, instance.devices)
    root = root_device(expanded)
    kept = root[0] if root else None
    masked = {name: {"type": "none"} for name in expanded if name != kept}
    local = {name: device for name, device in instance.devices.items() if name == kept}
    config = {key: value for key, value in instance.config.items() if not key.startswith(_DROPPED_KEYS)}
    for key in expand_config(profiles, {}):
        if key.startswith(_EMPTIED_KEYS):
            config[key] = ""
    config["boot.autostart"] = "false"
    if raw := expand_config(profiles, instance.config).get(_RAW_KEY):
        config[_RAW_KEY] = "\n".join(line for line in raw.split("\n") if not line.strip().startswith(_REACHING_OUT))
    return replace(
        plan,
        instance=replace(
            instance,
            config=config,
            devices={**local, **masked},
            ephemeral=False,
            description="Test of a backup; it goes by itself",
        ),
        snapshots=tuple(replace(each, is_held=False, expires_at=None, schedule="") for each in plan.snapshots),
    )
