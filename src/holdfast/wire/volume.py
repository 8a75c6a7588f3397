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


class VolumeSource(msgspec.Struct, kw_only=True):
    """Where a new volume comes from: nothing, or a copy of `name` ("v1" or "v1/snap0") in `pool`.

    `keep_snapshots` is ours.
    """

    name: str = ""
    type: str = ""
    pool: str = ""
    certificate: str = ""
    mode: str = ""
    operation: str = ""
    secrets: dict[str, str] | None = None
    volume_only: bool = False
    refresh: bool = False
    keep_snapshots: bool = False
    project: str = ""
    location: str = ""


class VolumesPost(msgspec.Struct, kw_only=True):
    """A new volume."""

    name: str = ""
    type: str = ""
    description: str = ""
    config: dict[str, str] | None = None
    content_type: str = ""
    source: VolumeSource = msgspec.field(default_factory=VolumeSource)


class VolumePut(msgspec.Struct, kw_only=True):
    """The whole of what can be changed; with `restore` set, only that counts."""

    description: str = ""
    config: dict[str, str] | None = None
    restore: str = ""


class VolumePatch(msgspec.Struct, kw_only=True):
    """What is there is changed; config is merged per key."""

    description: str | None = None
    config: dict[str, str] | None = None
    restore: str = ""


class VolumeTarget(msgspec.Struct, kw_only=True):
    """The receiving server of a migration in push mode."""

    certificate: str = ""
    operation: str = ""
    secrets: dict[str, str] | None = None


class VolumePost(msgspec.Struct, kw_only=True):
    """Rename, move or migrate."""

    name: str = ""
    pool: str = ""
    project: str = ""
    migration: bool = False
    target: VolumeTarget | None = None
    volume_only: bool = False
    source: VolumeSource | None = None


class Usage(msgspec.Struct, kw_only=True):
    """Bytes; `total` 0 is no limit."""

    used: int
    total: int


class VolumeState(msgspec.Struct, kw_only=True):
    usage: Usage


class VolumeSnapshotsPost(msgspec.Struct, kw_only=True):
    """A new snapshot. `expires_at`: absent takes the volume's rule, year 1 means never."""

    name: str = ""
    description: str = ""
    expires_at: str | None = None


class VolumeSnapshotPut(msgspec.Struct, kw_only=True):
    """What can change of a snapshot; without `expires_at` it never goes. `held` is ours: absent changes nothing."""

    description: str = ""
    expires_at: str | None = None
    held: bool | None = None


class VolumeSnapshotPatch(msgspec.Struct, kw_only=True):
    description: str | None = None
    expires_at: str | None = None
    held: bool | None = None


class VolumeSnapshotPost(msgspec.Struct, kw_only=True):
    """Another name, or (not served) a migration."""

    name: str = ""
    migration: bool = False
    target: VolumeTarget | None = None


class VolumeSnapshot(msgspec.Struct, kw_only=True):
    """`held` is ours, LXD doesn't have it."""

    description: str
    expires_at: str | None
    name: str
    config: dict[str, str]
    content_type: str
    created_at: str
    held: bool
