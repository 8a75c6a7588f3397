"""Snapshots of instances, what becomes of them, and what differs between two points."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from holdfast.client.shapes.maps import DeviceMap, StringMap


class Snapshot(TypedDict):
    """A snapshot of an instance; `name` is the bare one. An `expires_at` of year 1 means never.

    LXD lacks the last four.
    """

    name: str
    architecture: str
    config: StringMap
    devices: DeviceMap
    ephemeral: bool
    profiles: list[str]
    created_at: str
    expires_at: str
    expanded_config: StringMap
    expanded_devices: DeviceMap
    stateful: bool
    size: int
    description: NotRequired[str]
    held: NotRequired[bool]
    schedule: NotRequired[str]
    due_at: NotRequired[str]


class SnapshotPlan(TypedDict):
    """What becomes of a snapshot: kept or not, until when (None: that isn't known), and why."""

    name: str
    kept: bool
    goes_at: str | None
    reason: str
    created_at: str
    expires_at: str
    held: bool
    schedule: str


class Undo(TypedDict):
    """The state before an instance's last restore, of `snapshot`; a `size` of -1 isn't known."""

    snapshot: str
    created_at: str
    expires_at: str
    size: int


class ChangedEntry(TypedDict):
    """One entry that differs: `change` is added, changed or removed; `what` says what of a changed one."""

    path: str
    change: str
    type: str
    old_size: int | None
    new_size: int | None
    what: list[str]


class Changes(TypedDict):
    """A page of what differs, and the numbers of all; not complete where time was up before all was seen."""

    to: str
    path: str
    added: int
    changed: int
    removed: int
    complete: bool
    entries: list[ChangedEntry]
    next_offset: int | None
