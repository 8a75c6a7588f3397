"""What belongs to a snapshot that was taken of an instance together with its volumes."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Connection
from holdfast.model.disk_volumes import attached
from holdfast.model.errors import NotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY


@dataclass(frozen=True, slots=True)
class Member:
    """A volume and the snapshot of it that belongs to the set."""

    volume: CustomVolume
    snapshot: VolumeSnapshot


def taken_with(
    connection: Connection, home: str, instance: Instance, snapshot: Snapshot, *, remedy: str
) -> list[Member]:
    """Return the members, of the project `home`; raise, with what can be done, if one of them is gone."""
    by_uuid = {each.config.get(UUID_KEY): each for each in volumes_table.list_all(connection, project=home)}
    members = []
    for volume_uuid, snapshot_uuid in attached(snapshot.config).items():
        volume = by_uuid.get(volume_uuid)
        taken = [] if volume is None else volume_snapshots_table.list_for(connection, volume)
        found = [each for each in taken if each.config.get(UUID_KEY) == snapshot_uuid]
        if volume is None or not found:
            what = f"volume {volume_uuid}" if volume is None else f'snapshot of volume "{volume.name}"'
            raise NotFoundError(
                f"Snapshot {instance.name}/{snapshot.name} was taken with a {what} that is gone: {remedy}"
            )
        members.append(Member(volume, found[0]))
    return members
