"""What callers ask of instances, as plain values: made by the server from the request's body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum

from holdfast.model.instance import Config, Devices, Snapshot
from holdfast.model.kinds import InstanceType
from holdfast.service.copy_history import CopyHistory
from holdfast.service.image_fetch import RemoteImage


@dataclass(frozen=True, kw_only=True, slots=True)
class FromImage:
    """An image of this server: by alias, by fingerprint (or its beginning), or the newest with these properties."""

    alias: str = ""
    fingerprint: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    project: str | None = None


@dataclass(frozen=True, slots=True)
class FromRemoteImage:
    """An image of another server, which is fetched first if it isn't here."""

    image: RemoteImage


@dataclass(frozen=True, slots=True)
class FromNothing:
    """An empty root file system."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FromCopy:
    """An instance, or one snapshot of it, on this server; `project` None: the caller's.

    `refresh`: a target that is there is brought up to date instead of refused. `keep_snapshots`: its snapshots that
    the source doesn't have stay; LXD removes them.
    """

    name: str
    snapshot: str | None = None
    project: str | None = None
    instance_only: bool = False
    refresh: bool = False
    keep_snapshots: bool = False
    allow_inconsistent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FromMigration:
    """An instance on another server, which connects to us or to which we connect.

    `refresh`: a target that is there is brought up to date instead of refused. `keep_snapshots` as in `FromCopy`.
    """

    instance_only: bool = False
    refresh: bool = False
    keep_snapshots: bool = False
    history: CopyHistory | None = None
    """For the copy of a backup server: which snapshots come, and for how long; those that the source has no more stay.
    None: all, as the source says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendRequest:
    """What of the instance goes: with `snapshot` only that one, as an instance of its own."""

    name: str
    snapshot: str | None = None
    instance_only: bool = False
    live: bool = False
    allow_inconsistent: bool = False


Source = FromImage | FromRemoteImage | FromNothing | FromCopy


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceRequest:
    """A new instance. `name` "" asks for a pet name, `profiles` None for the default profile."""

    name: str = ""
    type: InstanceType | None = None
    architecture: str = ""
    description: str = ""
    config: Config = field(default_factory=dict)
    devices: Devices = field(default_factory=dict)
    profiles: tuple[str, ...] | None = None
    ephemeral: bool = False
    start: bool = False


class PowerAction(StrEnum):
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


class Never(Enum):
    """Stands for the time that doesn't come."""

    NEVER = "never"


NEVER = Never.NEVER
Expires = datetime | Never | None
"""When a new snapshot goes: at a time, never, or (None) as `snapshots.expiry` says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotChange:
    """What is to change of a snapshot; None leaves it as it is."""

    expires: Expires = None
    description: str | None = None
    is_held: bool | None = None

    def applied_to(self, snapshot: Snapshot) -> Snapshot:
        expires_at = snapshot.expires_at if self.expires is None else self.expires
        return replace(
            snapshot,
            expires_at=None if isinstance(expires_at, Never) else expires_at,
            description=snapshot.description if self.description is None else self.description,
            is_held=snapshot.is_held if self.is_held is None else self.is_held,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecRequest:
    """A command; `cwd` "" is the user's usual directory."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    group: int = 0
    cwd: str = ""
    width: int = 0
    height: int = 0
    is_interactive: bool = False
    record_output: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveRequest:
    """Another pool or project for an instance, and maybe another name; "" keeps what it has.

    `instance_only`: its snapshots are deleted.
    """

    name: str = ""
    pool: str = ""
    project: str = ""
    instance_only: bool = False
