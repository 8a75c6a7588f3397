"""Custom volumes and their snapshots as those who look at a pool see them."""

from __future__ import annotations

from holdfast.db import volume_snapshots as snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Connection
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import shown_config
from holdfast.service import project_features
from holdfast.service.pool_usage import VolumeView
from holdfast.service.volume_users import VolumeUse, VolumeUsers


def view_of(volume: CustomVolume, users: VolumeUsers) -> VolumeView:
    """Return the view of a volume."""
    return VolumeView(
        volume=volume.address,
        description=volume.description,
        config=shown_config(volume.config),
        created_at=volume.created_at,
        used_by=users.urls(),
    )


def snapshot_view(volume: CustomVolume, snapshot: VolumeSnapshot) -> VolumeView:
    """Return the view of a snapshot."""
    return VolumeView(
        volume=volume.address,
        snapshot=snapshot.name,
        description=snapshot.description,
        config=shown_config(snapshot.config),
        created_at=snapshot.created_at,
        expires_at=snapshot.expires_at,
        is_held=snapshot.is_held,
    )


def custom_views(connection: Connection, pool: str, project: str | None) -> list[VolumeView]:
    """Return the custom volumes of a pool that a project (None: any) sees, each followed by its snapshots."""
    home = None if project is None else project_features.home(connection, project, "storage.volumes")
    use, taken = VolumeUse(connection), snapshots_table.list_in_pool(connection, pool)
    views: list[VolumeView] = []
    for volume in volumes_table.list_all(connection, pool=pool, project=home):
        views.append(view_of(volume, use.of(volume)))
        key = (volume.pool, volume.project, volume.name)
        views += [snapshot_view(volume, snapshot) for snapshot in taken.get(key, ())]
    return views
