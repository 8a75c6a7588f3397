"""Schedules of snapshots, and what becomes of snapshots. Known to this server alone, so absent times are null."""

from __future__ import annotations

import msgspec


class Removal(msgspec.Struct, kw_only=True):
    """A snapshot that goes, and why it stays until then."""

    name: str
    goes_at: str
    reason: str


class SnapshotSchedule(msgspec.Struct, kw_only=True):
    """One schedule; `subject` is the URL of what it makes snapshots of, `label` "default" for `snapshots.schedule`.

    `status` is "ok", "waiting" (for its first run), "failing", "stopped" (as its instance is), or "never".
    """

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


class PlannedSnapshot(msgspec.Struct, kw_only=True):
    """What becomes of a snapshot: whether it is kept now, when it goes if that is known, and why.

    `expires_at` is as in the snapshot itself: year 1 means never.
    """

    name: str
    kept: bool
    goes_at: str | None
    reason: str
    created_at: str
    expires_at: str
    held: bool
    schedule: str


class SchedulePreviewPost(msgspec.Struct, kw_only=True):
    """What a form holds, for an instance or for a volume and its pool; "" is not set. `count` runs are told."""

    instance: str = ""
    pool: str = ""
    volume: str = ""
    label: str = "default"
    schedule: str = ""
    pattern: str = ""
    keep: str = ""
    expiry: str = ""
    count: int = 5


class ScheduleErrors(msgspec.Struct, kw_only=True):
    """What is wrong with each field, "" for nothing."""

    schedule: str
    pattern: str
    keep: str
    expiry: str


class SchedulePreview(msgspec.Struct, kw_only=True):
    """`name` and `expires_at` are those of the next snapshot; `kept` is what would become of those that are there."""

    next: list[str]
    name: str
    expires_at: str | None
    kept: list[PlannedSnapshot]
    errors: ScheduleErrors
