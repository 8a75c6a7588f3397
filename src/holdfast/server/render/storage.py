"""Pools and volumes as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.storage import Pool, Resources
from holdfast.server.etag import etag_of
from holdfast.service.pool_usage import VolumeView
from holdfast.service.volumes import VolumeUsage
from holdfast.wire import pool as wire_pool
from holdfast.wire import volume as wire_volume
from holdfast.wire.timestamps import to_wire


def pool_shape(pool: Pool, status: str, used_by: Sequence[str]) -> wire_pool.Pool:
    return wire_pool.Pool(
        config=dict(pool.config),
        description=pool.description,
        name=pool.name,
        driver=pool.driver,
        used_by=list(used_by),
        status=status,
        locations=["none"],
    )


def pool_etag(pool: Pool) -> str:
    return etag_of(pool.name, pool.driver, pool.description, pool.config)


def resources_shape(resources: Resources) -> wire_pool.PoolResources:
    return wire_pool.PoolResources(
        space=wire_pool.Amount(used=resources.space_used_bytes, total=resources.space_total_bytes),
        inodes=wire_pool.Amount(used=resources.inodes_used, total=resources.inodes_total),
    )


def volume_shape(view: VolumeView) -> wire_volume.Volume:
    """A snapshot is named after its volume: `volume/snapshot`."""
    volume = view.volume
    return wire_volume.Volume(
        config=dict(view.config),
        description=view.description,
        name=volume.name if view.snapshot is None else f"{volume.name}/{view.snapshot}",
        type=volume.type.value,
        used_by=list(view.used_by),
        content_type=volume.content_type.value,
        project=volume.project,
        created_at=to_wire(view.created_at),
    )


def volume_etag(view: VolumeView) -> str:
    return etag_of(view.volume.name, view.volume.type.value, view.config, view.description)


def volume_snapshot_etag(view: VolumeView) -> str:
    expires_at = None if view.expires_at is None else to_wire(view.expires_at)
    return etag_of(view.volume.name, view.snapshot, view.description, expires_at, view.is_held)


def volume_state_shape(usage: VolumeUsage) -> wire_volume.VolumeState:
    return wire_volume.VolumeState(usage=wire_volume.Usage(used=usage.used_bytes, total=usage.total_bytes))


def volume_snapshot_shape(view: VolumeView, *, is_listed: bool) -> wire_volume.VolumeSnapshot:
    """In a list the name is `volume/snapshot` and "never" is null, read singly bare and year 1: LXD's habits."""
    assert view.snapshot is not None
    return wire_volume.VolumeSnapshot(
        description=view.description,
        expires_at=None if view.expires_at is None and is_listed else to_wire(view.expires_at),
        name=f"{view.volume.name}/{view.snapshot}" if is_listed else view.snapshot,
        config=dict(view.config),
        content_type=view.volume.content_type.value,
        created_at=to_wire(view.created_at),
        held=view.is_held,
    )


def volume_url(pool: str, view: VolumeView) -> str:
    volume = view.volume
    parts = ["storage-pools", pool, "volumes", volume.type.value, volume.name]
    if view.snapshot is not None:
        parts += ["snapshots", view.snapshot]
    path = "/1.0/" + "/".join(quote(part, safe="") for part in parts)
    is_default = volume.project == DEFAULT_PROJECT
    return path if is_default else f"{path}?project={quote(volume.project, safe='')}"
