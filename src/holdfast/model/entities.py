"""Paths that name an object of any kind, as they stand in URLs and in warnings."""

from __future__ import annotations

from urllib.parse import quote


def entity_path(*segments: str) -> str:
    """Return `/1.0/<segments>`, each one escaped."""
    return "/1.0/" + "/".join(quote(segment, safe="") for segment in segments)


def instance_path(name: str) -> str:
    return entity_path("instances", name)


def snapshot_path(instance: str, snapshot: str) -> str:
    return entity_path("instances", instance, "snapshots", snapshot)


def volume_path(pool: str, name: str) -> str:
    return entity_path("storage-pools", pool, "volumes", "custom", name)


def volume_snapshot_path(pool: str, volume: str, snapshot: str) -> str:
    return entity_path("storage-pools", pool, "volumes", "custom", volume, "snapshots", snapshot)


def pool_path(name: str) -> str:
    return entity_path("storage-pools", name)
