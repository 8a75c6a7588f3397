"""Instances, as answered and as sent."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from holdfast.wire.backup import Backup
from holdfast.wire.snapshot import MigrationTarget, Snapshot
from holdfast.wire.state import InstanceState

Config = dict[str, str]
Devices = dict[str, dict[str, str]]


class Instance(msgspec.Struct, kw_only=True):
    architecture: str
    config: Config
    devices: Devices
    ephemeral: bool
    profiles: list[str]
    stateful: bool
    description: str
    created_at: str
    expanded_config: Config
    expanded_devices: Devices
    name: str
    status: str
    status_code: int
    last_used_at: str
    location: str = "none"
    type: str
    project: str


class InstanceFull(Instance, kw_only=True):
    """What `recursion=2` shows of each instance; empty lists are null, as from LXD."""

    backups: list[Backup] | None
    state: InstanceState | None
    snapshots: list[Snapshot] | None


class InstanceSource(msgspec.Struct, kw_only=True):
    """Where a new instance comes from; `type` says which of the others count. `keep_snapshots` is ours."""

    type: str = ""
    certificate: str = ""
    alias: str = ""
    fingerprint: str = ""
    properties: dict[str, str] = {}
    server: str = ""
    secret: str = ""
    protocol: str = ""
    base_image: str = msgspec.field(name="base-image", default="")
    mode: str = ""
    operation: str = ""
    secrets: dict[str, str] = {}
    source: str = ""
    live: bool = False
    instance_only: bool = False
    container_only: bool = False
    refresh: bool = False
    keep_snapshots: bool = False
    project: str = ""
    allow_inconsistent: bool = False


class InstancesPost(msgspec.Struct, kw_only=True):
    """A new instance; no `profiles` means the default one, an empty list none."""

    name: str = ""
    architecture: str = ""
    config: Config = {}
    devices: Devices = {}
    ephemeral: bool = False
    profiles: list[str] | None = None
    stateful: bool = False
    description: str = ""
    restore: str = ""
    source: InstanceSource = msgspec.field(default_factory=InstanceSource)
    instance_type: str = ""
    type: str = ""
    start: bool = False


class InstancePut(msgspec.Struct, kw_only=True):
    """The whole of what can be changed; with `restore` set, only that counts."""

    architecture: str = ""
    config: Config = {}
    devices: Devices = {}
    ephemeral: bool = False
    profiles: list[str] = []
    restore: str = ""
    restore_disk_volumes_mode: str = ""
    stateful: bool = False
    description: str = ""


class InstancePatch(msgspec.Struct, kw_only=True):
    """What is there is changed; config is merged per key, devices per name."""

    architecture: str | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    devices: Devices | UnsetType = UNSET
    ephemeral: bool | UnsetType = UNSET
    profiles: list[str] | UnsetType = UNSET
    restore: str = ""
    description: str | UnsetType = UNSET


class InstancePost(msgspec.Struct, kw_only=True):
    """Rename, move or migrate."""

    name: str = ""
    migration: bool = False
    live: bool | None = None
    instance_only: bool = False
    container_only: bool = False
    target: MigrationTarget | None = None
    pool: str = ""
    project: str = ""
    allow_inconsistent: bool = False
    config: Config | None = None
    devices: Devices | None = None
    profiles: list[str] | None = None


class InstanceStatePut(msgspec.Struct, kw_only=True):
    """A change of power; `timeout` in seconds, -1 for ever."""

    action: str = ""
    timeout: int = -1
    force: bool = False
    stateful: bool = False


class InstancesPut(msgspec.Struct, kw_only=True):
    """A change of power of all instances."""

    state: InstanceStatePut | None = None


def with_details(
    instance: Instance, *, backups: list[Backup] | None, state: InstanceState | None, snapshots: list[Snapshot] | None
) -> InstanceFull:
    """Return the instance with what `recursion=2` adds."""
    return InstanceFull(**msgspec.structs.asdict(instance), backups=backups, state=state, snapshots=snapshots)
