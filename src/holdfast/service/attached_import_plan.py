"""What becomes of the volumes in an instance's file: which are made, where, and how the instance shows them. Pure.

A device that the sender wants otherwise decides about the volume that it shows in the file: `pool` and `source` say
where it goes and what it is called, another type leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from holdfast.archive.definition import Definition
from holdfast.archive.export_index import ExportIndex
from holdfast.model.disk_volumes import attached, with_attached
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Config, Device, Devices
from holdfast.model.profile import Profile
from holdfast.model.volume_keys import UUID_KEY
from holdfast.model.volume_use import attachments
from holdfast.service.volume_building import NewVolume

Place = tuple[str, str]
"""A pool, and the name of a volume in it."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A volume that is made; `index` is what its part of the file says."""

    index: ExportIndex
    new: NewVolume

    @property
    def place(self) -> Place:
        return self.new.volume.pool, self.new.volume.name


def wanted_places(index: ExportIndex, wanted: Mapping[str, Device], pool: str | None) -> list[Place | None]:
    """Return for each volume of the file where it shall go; None for one that is left out.

    `wanted` are the devices as the sender wants them, `pool` is the one for everything; else it is that of the file.
    """
    devices = devices_in_file(index.definition) if index.definition else {}
    found: list[Place | None] = []
    for part in index.attached:
        shown = [each.device for each in attachments(devices) if (each.pool, each.name) == (part.pool, part.name)]
        wishes = [wanted[name] for name in shown if name in wanted]
        if wishes and all(wish.get("type", "disk") != "disk" for wish in wishes):
            found.append(None)
            continue
        names = [wish["source"] for wish in wishes if wish.get("source")]
        pools = [wish["pool"] for wish in wishes if wish.get("pool")]
        found.append(((pools or [pool or part.pool])[0], (names or [part.name])[0]))
    return found


def with_volumes(definition: Definition, made: Sequence[Attached], profiles: Sequence[Profile]) -> Definition:
    """Return the definition with devices and snapshots that know the volumes by their new places and identities.

    `profiles` are this server's. What profiles brought in the file, and don't bring here, becomes the instance's own.
    """
    if not made:
        return definition
    places = {(each.index.pool, each.index.name): each.place for each in made}
    instance = definition.instance
    devices = _moved(instance.devices, places)
    before, now = _moved(devices_in_file(definition), places), expand_devices(profiles, devices)
    for each in attachments(before):
        if (each.pool, each.name) in places.values() and now.get(each.device) != before[each.device]:
            devices[each.device] = before[each.device]
    identities = _identities(made)
    return replace(
        definition,
        instance=replace(instance, devices=devices),
        snapshots=tuple(
            replace(
                snapshot, config=_renamed_set(snapshot.config, identities), devices=_moved(snapshot.devices, places)
            )
            for snapshot in definition.snapshots
        ),
    )


def devices_in_file(definition: Definition) -> dict[str, dict[str, str]]:
    """Return what the instance and its profiles showed where the file was made."""
    named = {profile.name: profile for profile in definition.profiles}
    applied = [named[name] for name in definition.instance.profiles if name in named]
    return expand_devices(applied, definition.instance.devices)


def _moved(devices: Devices, places: Mapping[Place, Place]) -> dict[str, dict[str, str]]:
    found = {name: dict(device) for name, device in devices.items()}
    for each in attachments(devices):
        pool, name = places.get((each.pool, each.name), (each.pool, each.name))
        found[each.device].update(pool=pool, source=name)
    return found


def _identities(made: Sequence[Attached]) -> dict[str, str]:
    """Return what was given to whom: each UUID in the file and that of what is made of it."""
    found = {}
    for each in made:
        told = each.index.volume
        assert told is not None
        pairs = [(told.volume.config, each.new.volume.config)]
        pairs += [(old.config, new.config) for old, new in zip(told.snapshots, each.new.snapshots, strict=True)]
        found.update({old[UUID_KEY]: new[UUID_KEY] for old, new in pairs if UUID_KEY in old})
    return found


def _renamed_set(config: Config, identities: Mapping[str, str]) -> dict[str, str]:
    """Return a snapshot's config that names the volumes taken with it as they are called now."""
    taken = attached(config)
    return with_attached(config, {identities.get(a, a): identities.get(b, b) for a, b in taken.items()})
