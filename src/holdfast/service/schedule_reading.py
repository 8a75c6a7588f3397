"""Looking at schedules: what runs next, what ran last, and which snapshot goes next, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from holdfast.db import schedule_runs
from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.model.due import is_never, next_due
from holdfast.model.kinds import ScheduleStatus
from holdfast.model.schedule_run import ScheduleRun
from holdfast.model.schedules import Schedule, schedules_of
from holdfast.service.retention import Fate, Retention
from holdfast.service.scheduled import Scheduled, Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleView:
    """One schedule of one subject. `next_at` is None for one that no time makes due; `run` before it was first seen.

    `next_to_go` is what goes first of the snapshots that it made, as far as a time is known.
    """

    subject: Subject
    schedule: Schedule
    run: ScheduleRun | None
    status: ScheduleStatus
    next_at: datetime | None
    next_to_go: Fate | None


class ScheduleReader:
    """Makes the views."""

    def __init__(
        self,
        kinds: Sequence[Scheduled],
        retention: Retention,
        *,
        database: Database,
        clock: Clock,
        zone: Callable[[], tzinfo],
    ) -> None:
        self._kinds, self._retention = list(kinds), retention
        self._database, self._clock, self._zone = database, clock, zone

    def follow(self, scheduled: Scheduled) -> None:
        """Look at one more kind."""
        self._kinds.append(scheduled)

    def list(self, project: str | None) -> Sequence[ScheduleView]:
        """Return the schedules of a project, of all when None, by kind and subject."""
        return [view for scheduled in self._kinds for view in self._list(scheduled, project)]

    def _list(self, scheduled: Scheduled, project: str | None) -> Sequence[ScheduleView]:
        now, zone = self._clock.now(), self._zone()
        with self._database.read() as connection:
            all_runs = schedule_runs.list_all(connection, scheduled.owners)
        all_kept = scheduled.kept(project)
        views = []
        for subject in scheduled.subjects(project):
            schedules = schedules_of(subject.config)
            if not schedules:
                continue
            runs = all_runs.get(subject.key, [])
            fates = self._retention.decide(subject, all_kept.get(subject.key, ()), runs)
            is_wanted = scheduled.is_wanted_now(subject)
            for schedule in schedules:
                run = next((each for each in runs if each.schedule == schedule.label), None)
                views.append(
                    ScheduleView(
                        subject=subject,
                        schedule=schedule,
                        run=run,
                        status=_status(schedule, run, is_wanted=is_wanted),
                        next_at=_next(schedule, run, subject, now, zone),
                        next_to_go=_next_to_go(fates, schedule.label),
                    )
                )
        return views


def _status(schedule: Schedule, run: ScheduleRun | None, *, is_wanted: bool) -> ScheduleStatus:
    if is_never(schedule.rule):
        return ScheduleStatus.NEVER
    if run is not None and run.failures:
        return ScheduleStatus.FAILING
    if not is_wanted:
        return ScheduleStatus.STOPPED
    return ScheduleStatus.WAITING if run is None or run.last_success_at is None else ScheduleStatus.OK


def _next(
    schedule: Schedule, run: ScheduleRun | None, subject: Subject, now: datetime, zone: tzinfo
) -> datetime | None:
    """Return when it runs next: at its time, or before that to try again what failed."""
    retry_at = run.retry_at() if run is not None else None
    moments = [next_due(schedule.rule, subject.identity, now, zone), retry_at and max(retry_at, now)]
    return min((moment for moment in moments if moment is not None), default=None)


def _next_to_go(fates: Sequence[Fate], label: str) -> Fate | None:
    leaving = [(each.verdict.goes_at, each) for each in fates if each.kept.schedule == label]
    dated = [(goes_at, number, each) for number, (goes_at, each) in enumerate(leaving) if goes_at is not None]
    return min(dated)[2] if dated else None
