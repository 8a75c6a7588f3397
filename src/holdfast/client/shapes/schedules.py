"""Schedules of snapshots."""

from __future__ import annotations

from typing import TypedDict

from holdfast.client.shapes.snapshots import SnapshotPlan


class Removal(TypedDict):
    """A snapshot that goes, and why it stays until then."""

    name: str
    goes_at: str
    reason: str


class SnapshotSchedule(TypedDict):
    """A schedule of an instance or a custom volume; absent times are None."""

    subject: str
    type: str
    project: str
    name: str
    label: str
    rule: str
    pattern: str
    expiry: str
    keep: str
    status: str
    next_at: str | None
    last_due_at: str | None
    last_run_at: str | None
    last_success_at: str | None
    failures: int
    error: str
    next_removal: Removal | None


class SchedulePreview(TypedDict):
    """What a schedule would do. `errors` are by field, "" for none."""

    next: list[str]
    name: str
    expires_at: str | None
    kept: list[SnapshotPlan]
    errors: dict[str, str]
