"""Instances and their snapshots as the service thinks of them; absent is None, never a zero date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.model.kinds import InstanceType

Config = Mapping[str, str]
Device = Mapping[str, str]
Devices = Mapping[str, Device]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One instance snapshot; `name` is bare ("snap0"), config and devices are local as of its creation.

    `is_held`: nothing but a person's own deletion removes it. `schedule` is the label of the schedule that made it
    ("default" for the plain `snapshots.schedule`), "" when a person did; `due_at` is when that schedule wanted it.
    `description` is the snapshot's own, `instance_description` what the instance's was: a restore brings it back.
    """

    name: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    architecture: str = "x86_64"
    config: Config = field(default_factory=dict)
    devices: Devices = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    ephemeral: bool = False
    stateful: bool = False
    description: str = ""
    instance_description: str = ""
    is_held: bool = False
    schedule: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One instance; config and devices are local ones, `model.expand` applies the profiles.

    `pool` is the pool of its root volume, fixed at creation. `created_at` and the others are aware, UTC.
    """

    project: str
    name: str
    type: InstanceType = InstanceType.CONTAINER
    architecture: str = "x86_64"
    description: str = ""
    created_at: datetime
    last_used_at: datetime | None = None
    ephemeral: bool = False
    stateful: bool = False
    profiles: tuple[str, ...] = ()
    config: Config = field(default_factory=dict)
    devices: Devices = field(default_factory=dict)
    pool: str
