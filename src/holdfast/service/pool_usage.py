"""What is in a pool and who needs it: instances and snapshots by their records, kept images by the driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from holdfast.db import images, instances, profiles, protections, snapshots
from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Connection
from holdfast.model.instance import Config, Instance, Snapshot
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume, instance_volume
from holdfast.service.resources import copies_url, instance_url, snapshot_url, url, volume_snapshot_url, volume_url
from holdfast.storage.driver import Driver


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeView:
    """One volume or, with a name in `snapshot`, one snapshot of it; `used_by` are URLs."""

    volume: Volume
    snapshot: str | None = None
    description: str = ""
    config: Config = field(default_factory=dict)
    created_at: datetime | None = None
    expires_at: datetime | None = None
    is_held: bool = False
    used_by: tuple[str, ...] = field(default=())


def users(connection: Connection, pool: str) -> list[str]:
    """Return the URLs of what keeps the pool from going: instances, volumes, their snapshots, profiles, protections."""
    found = []
    by_instance = snapshots.list_all(connection, None)
    for instance in instances.list_in_pool(connection, pool):
        project, name = instance.project, instance.name
        found.append(instance_url(project, name))
        found += [snapshot_url(project, name, each.name) for each in by_instance.get((project, name), [])]
    for profile in profiles.list_all(connection, None):
        if any(device.get("type") == "disk" and device.get("pool") == pool for device in profile.devices.values()):
            found.append(url("profiles", profile.name, project=profile.project))
    taken = volume_snapshots_table.list_in_pool(connection, pool)
    for volume in volumes_table.list_all(connection, pool=pool):
        found.append(volume_url(pool, volume.project, volume.name))
        for each in taken.get((pool, volume.project, volume.name), []):
            found.append(volume_snapshot_url(pool, volume.project, volume.name, each.name))
    for protection in protections.list_all(connection):
        if protection.pool == pool:
            found.append(copies_url(protection))
    return found


def image_urls(connection: Connection, driver: Driver) -> list[str]:
    """Return the URLs of the images that are kept unpacked in the pool."""
    kept = {volume.name for volume in driver.list_volumes() if volume.type is VolumeType.IMAGE}
    return [
        url("images", image.fingerprint, project=image.project)
        for image in images.list_all(connection, None)
        if image.fingerprint in kept
    ]


def volumes(connection: Connection, driver: Driver, project: str | None) -> list[VolumeView]:
    """Return the volumes and snapshots of the pool but the custom ones."""
    by_instance = snapshots.list_all(connection, project)
    found: list[VolumeView] = []
    for instance in instances.list_in_pool(connection, driver.pool.name):
        if project is None or instance.project == project:
            found += _of_instance(instance, by_instance.get((instance.project, instance.name), []))
    if driver.features.image_volumes:
        found += [
            VolumeView(volume=volume, used_by=(url("images", volume.name),))
            for volume in driver.list_volumes()
            if volume.type is VolumeType.IMAGE
        ]
    return found


def _of_instance(instance: Instance, taken: list[Snapshot]) -> list[VolumeView]:
    volume = instance_volume(instance.type, instance.project, instance.name)
    used_by = (instance_url(instance.project, instance.name),)
    return [
        VolumeView(volume=volume, description=instance.description, created_at=instance.created_at, used_by=used_by),
        *(
            VolumeView(
                volume=volume,
                snapshot=snapshot.name,
                created_at=snapshot.created_at,
                expires_at=snapshot.expires_at,
                is_held=snapshot.is_held,
                used_by=(snapshot_url(instance.project, instance.name, snapshot.name),),
            )
            for snapshot in taken
        ),
    ]
