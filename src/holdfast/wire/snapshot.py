"""Snapshots of instances."""

from __future__ import annotations

import msgspec


class MigrationTarget(msgspec.Struct, kw_only=True):
    """The receiving server of a migration in push mode."""

    certificate: str = ""
    operation: str = ""
    secrets: dict[str, str] = {}


class Snapshot(msgspec.Struct, kw_only=True):
    """`name` is bare; `size` is -1 where it isn't known. The last four are ours, LXD doesn't have them."""

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
    description: str
    held: bool
    schedule: str
    due_at: str


class SnapshotsPost(msgspec.Struct, kw_only=True):
    """A new snapshot. `expires_at`: absent takes the instance's rule, year 1 means never.

    Ours: `description`, and `expiry`, an expression ("2w") that says after which time it expires.
    """

    name: str = ""
    stateful: bool = False
    expires_at: str | None = None
    disk_volumes_mode: str = ""
    description: str = ""
    expiry: str = ""


class SnapshotPut(msgspec.Struct, kw_only=True):
    """What can change of a snapshot; absent changes nothing. `description` and `held` are ours."""

    expires_at: str | None = None
    description: str | None = None
    held: bool | None = None


class SnapshotPost(msgspec.Struct, kw_only=True):
    """Rename, or migrate as an instance of its own."""

    name: str = ""
    migration: bool = False
    live: bool | None = None
    target: MigrationTarget | None = None
