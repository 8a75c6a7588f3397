"""What belongs to a snapshot that was taken of an instance together with its volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Connection
from holdfast.model.disk_volumes import attached
from holdfast.model.errors import NotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY
from holdfast.model.volume_use import attachments


@dataclass(frozen=True, slots=True)
class Member:
    """A volume and the snapshot of it that belongs to the set."""

    volume: CustomVolume
    snapshot: VolumeSnapshot


def taken_with(
    connection: Connection, home: str, instance: Instance, snapshot: Snapshot, *, remedy: str
) -> list[Member]:
    """Return the members, of the project `home`; raise, with what can be done, if one of them is gone."""
    volumes = volumes_table.list_all(connection, project=home)
    by_uuid = {each.config.get(UUID_KEY): each for each in volumes}
    members = []
    for volume_uuid, snapshot_uuid in attached(snapshot.config).items():
        volume = by_uuid.get(volume_uuid)
        taken = [] if volume is None else volume_snapshots_table.list_for(connection, volume)
        found = [each for each in taken if each.config.get(UUID_KEY) == snapshot_uuid]
        if volume is None or not found:
            what = _gone(snapshot, volumes, volume_uuid) if volume is None else f'snapshot of volume "{volume.name}"'
            raise NotFoundError(
                f"Snapshot {instance.name}/{snapshot.name} was taken with a {what} that is gone: {remedy}"
            )
        members.append(Member(volume, found[0]))
    return members


def _gone(snapshot: Snapshot, volumes: Sequence[CustomVolume], uuid: str) -> str:
    """Return what a volume was called that isn't there any more: by the devices of the snapshot, else its UUID.

    What a device shows may also have been renamed, or be another volume of that name by now.
    """
    taken = attached(snapshot.config)
    there = {(each.pool, each.name) for each in volumes if each.config.get(UUID_KEY) in taken}
    shown = sorted({(each.pool, each.name) for each in attachments(snapshot.devices)} - there)
    names = [f'"{name}" of pool "{pool}"' for pool, name in shown]
    if not names:
        return f"volume {uuid}"
    return f"volume {names[0]}" if len(names) == 1 else f"volume, one of {', '.join(names)},"
