"""Volumes of a pool, and their snapshots."""

from __future__ import annotations

import msgspec


class Volume(msgspec.Struct, kw_only=True):
    """In lists of a whole pool a snapshot is an entry of its own, named `volume/snapshot`."""

    config: dict[str, str]
    description: str
    name: str
    type: str
    used_by: list[str]
    location: str = "none"
    content_type: str
    project: str
    created_at: str


class VolumeSnapshot(msgspec.Struct, kw_only=True):
    description: str
    expires_at: str | None
    name: str
    config: dict[str, str]
    content_type: str
    created_at: str
