"""Schedules of snapshots, and plans, as the API shows them."""

from __future__ import annotations

from datetime import datetime

from holdfast.service.retention import Fate
from holdfast.service.schedule_preview import SchedulePreview
from holdfast.service.schedule_reading import ScheduleView
from holdfast.wire import schedule as wire
from holdfast.wire.timestamps import to_wire


def schedule_shape(view: ScheduleView) -> wire.SnapshotSchedule:
    subject, schedule, run = view.subject, view.schedule, view.run
    return wire.SnapshotSchedule(
        subject=subject.url,
        type=subject.noun,
        project=subject.project,
        name=subject.name,
        label=schedule.label,
        rule=schedule.rule,
        pattern=schedule.pattern,
        expiry=schedule.expiry,
        keep=schedule.keep,
        status=view.status.value,
        next_at=_time(view.next_at),
        last_due_at=_time(run.last_due_at if run else None),
        last_run_at=_time(run.last_run_at if run else None),
        last_success_at=_time(run.last_success_at if run else None),
        failures=run.failures if run else 0,
        error=run.error if run else "",
        next_removal=_removal(view.next_to_go),
    )


def planned_shape(fate: Fate) -> wire.PlannedSnapshot:
    kept, verdict = fate.kept, fate.verdict
    return wire.PlannedSnapshot(
        name=kept.name,
        kept=not verdict.is_removed,
        goes_at=_time(verdict.goes_at),
        reason=verdict.reason,
        created_at=to_wire(kept.created_at),
        expires_at=to_wire(kept.expires_at),
        held=kept.is_held,
        schedule=kept.schedule,
    )


def preview_shape(preview: SchedulePreview) -> wire.SchedulePreview:
    return wire.SchedulePreview(
        next=[to_wire(each) for each in preview.next_runs],
        name=preview.name,
        expires_at=_time(preview.expires_at),
        kept=[planned_shape(each) for each in preview.fates],
        errors=wire.ScheduleErrors(**preview.errors),
    )


def _removal(fate: Fate | None) -> wire.Removal | None:
    if fate is None or fate.verdict.goes_at is None:
        return None
    return wire.Removal(name=fate.kept.name, goes_at=to_wire(fate.verdict.goes_at), reason=fate.verdict.reason)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_wire(moment)
