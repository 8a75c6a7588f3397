"""What callers ask of custom volumes, as plain values: made by the server from the request's body."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.model.instance import Config
from holdfast.model.kinds import ContentType


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeRequest:
    """A new volume."""

    name: str
    content_type: ContentType = ContentType.FILESYSTEM
    description: str = ""
    config: Config = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSource:
    """A volume, or one snapshot of it, on this server; `project` None: the caller's.

    `refresh`: a target that is there is brought up to date instead of refused. `keep_snapshots`: its snapshots that
    the source doesn't have stay; LXD removes them.
    """

    pool: str
    name: str
    snapshot: str | None = None
    project: str | None = None
    volume_only: bool = False
    refresh: bool = False
    keep_snapshots: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeFromServer:
    """A volume on another server, which connects to us or to which we connect.

    `refresh`: a target that is there is brought up to date instead of refused. `keep_snapshots` as in `VolumeSource`.
    """

    volume_only: bool = False
    refresh: bool = False
    keep_snapshots: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSend:
    """What of a volume goes to another server: with `snapshot` only that one, as a volume of its own."""

    pool: str
    name: str
    snapshot: str | None = None
    volume_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeMove:
    """Another name, pool or project for a volume; "" keeps what it has."""

    name: str = ""
    pool: str = ""
    project: str = ""
