"""Snapshots of instances."""

from __future__ import annotations

import msgspec


class Snapshot(msgspec.Struct, kw_only=True):
    """`name` is bare; `size` is -1 where it isn't known."""

    architecture: str
    config: dict[str, str]
    created_at: str
    devices: dict[str, dict[str, str]]
    ephemeral: bool
    expanded_config: dict[str, str]
    expanded_devices: dict[str, dict[str, str]]
    expires_at: str
    last_used_at: str
    name: str
    profiles: list[str]
    size: int
    stateful: bool


class SnapshotsPost(msgspec.Struct, kw_only=True):
    """A new snapshot. `expires_at`: absent takes the instance's rule, year 1 means never."""

    name: str = ""
    stateful: bool = False
    expires_at: str | None = None
    disk_volumes_mode: str = ""


class SnapshotPut(msgspec.Struct, kw_only=True):
    """Only the expiry of a snapshot can change; absent changes nothing."""

    expires_at: str | None = None


class SnapshotPost(msgspec.Struct, kw_only=True):
    """Rename, or (not served) migrate."""

    name: str = ""
    migration: bool = False
