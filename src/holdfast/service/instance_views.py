"""What callers see of instances: the record with profiles applied, and the state of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.model.backup import Backup
from holdfast.model.instance import Config, Devices, Instance, Snapshot
from holdfast.model.kinds import StatusCode
from holdfast.runtime.base import RuntimeState


@dataclass(frozen=True, slots=True)
class InstanceView:
    instance: Instance
    status: StatusCode
    expanded_config: Config
    expanded_devices: Devices


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """`size_bytes` is -1 where it isn't known cheaply."""

    snapshot: Snapshot
    expanded_config: Config
    expanded_devices: Devices
    size_bytes: int = -1


@dataclass(frozen=True, slots=True)
class InstanceState:
    """`disk` maps device names to bytes used; it is empty where that isn't known."""

    runtime: RuntimeState
    disk: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceFull:
    view: InstanceView
    state: InstanceState
    snapshots: tuple[SnapshotView, ...]
    backups: tuple[Backup, ...]
