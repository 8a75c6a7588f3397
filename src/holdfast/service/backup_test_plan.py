"""What of an import is left out when it is only tried: whatever reaches beyond the instance. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from holdfast.model.expand import expand_config, expand_devices, root_device
from holdfast.model.profile import Profile
from holdfast.model.volume_use import attachments
from holdfast.service.attached_import_plan import Attached, Place
from holdfast.service.import_plan import ImportPlan
from holdfast.service.volume_building import NewVolume

NAME_PREFIX: Final = "holdfast-test-"
_DROPPED_KEYS: Final = ("boot.", "snapshots.", "security.protection.")
_EMPTIED_KEYS: Final = ("snapshots.",)
_DESCRIPTION: Final = "Test of a backup; it goes by itself"
_RAW_KEY: Final = "raw.lxc"
_REACHING_OUT: Final = ("lxc.net", "lxc.mount", "lxc.hook")


def volume_for_test(planned: Attached) -> Attached:
    """Return a volume of the file without schedules, its held snapshots free to go."""
    return replace(planned, new=free_volume(planned.new))


def free_volume(new: NewVolume) -> NewVolume:
    """Return it without schedules, its held snapshots free to go."""
    config = {key: value for key, value in new.volume.config.items() if not key.startswith(_EMPTIED_KEYS)}
    return NewVolume(
        replace(new.volume, config=config, description=_DESCRIPTION),
        tuple(replace(each, is_held=False, expires_at=None, schedule="") for each in new.snapshots),
    )


def for_test(volumes: Collection[Place], plan: ImportPlan, profiles: Sequence[Profile]) -> ImportPlan:
    """Return the plan without network, disks of others, schedules, start with the server and protection.

    The root disk and `volumes`, which come in the same file, stay as they are. What profiles bring is masked on the
    instance; held snapshots are free to go.
    """
    instance = plan.instance
    expanded = expand_devices(profiles, instance.devices)
    kept = {each.device for each in attachments(expanded) if (each.pool, each.name) in volumes}
    root = root_device(expanded)
    if root is not None:
        kept.add(root[0])
    masked = {name: {"type": "none"} for name in expanded if name not in kept}
    local = {name: device for name, device in instance.devices.items() if name in kept}
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
            description=_DESCRIPTION,
        ),
        snapshots=tuple(replace(each, is_held=False, expires_at=None, schedule="") for each in plan.snapshots),
    )
