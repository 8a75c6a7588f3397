"""What became of a schedule, and what it wants now: decided from its last run, never from the minute of the look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Final

from holdfast.model.due import latest_due
from holdfast.model.schedules import Schedule

LONGEST_PAUSE: Final = timedelta(minutes=60)
"""A failing schedule is tried again after 1, 2, 4 … minutes, and at least this often."""

LATE: Final = timedelta(minutes=2)
"""A run this long after its time is a late one: the server looks once a minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleRun:
    """How one schedule of one subject stands. `rule` is the one by which `checked_until` was reached.

    `last_due_at` is the moment that the last run was for, `last_run_at` when that run was. `failures` counts those
    since the last success.
    """

    schedule: str
    rule: str
    checked_until: datetime
    last_due_at: datetime | None = None
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    failures: int = 0
    error: str = ""

    def succeeded(self, due_at: datetime, run_at: datetime) -> ScheduleRun:
        """Return it after a run for the moment `due_at` that made a snapshot."""
        return replace(self._ran(due_at, run_at), last_success_at=run_at, failures=0, error="")

    def failed(self, due_at: datetime, run_at: datetime, error: str) -> ScheduleRun:
        """Return it after a run that made none."""
        return replace(self._ran(due_at, run_at), failures=self.failures + 1, error=error)

    def passed_over(self, due_at: datetime) -> ScheduleRun:
        """Return it after a moment at which no run was wanted: the instance was stopped."""
        return replace(self, checked_until=max(self.checked_until, due_at))

    def _ran(self, due_at: datetime, run_at: datetime) -> ScheduleRun:
        return replace(self, checked_until=max(self.checked_until, due_at), last_due_at=due_at, last_run_at=run_at)

    def retry_at(self) -> datetime | None:
        """Return when a failed run is tried again; None when the last one didn't fail."""
        if not self.failures or self.last_run_at is None:
            return None
        return self.last_run_at + min(LONGEST_PAUSE, timedelta(minutes=1 << min(self.failures - 1, 6)))


def look(
    schedule: Schedule, run: ScheduleRun | None, identity: str, since: datetime, now: datetime, zone: tzinfo
) -> tuple[ScheduleRun, datetime | None]:
    """Return the run as it is to be remembered, and the moment that a run is due for; None: nothing is due.

    A schedule that is new, or has another rule, counts from `since`. However many moments were missed, the latest one
    stands for all.
    """
    if run is None:
        run = ScheduleRun(schedule=schedule.label, rule=schedule.rule, checked_until=since)
    elif run.rule != schedule.rule:
        run = replace(run, rule=schedule.rule, checked_until=since)
    if run.checked_until > now:
        run = replace(run, checked_until=now)  # the clock was set back: nothing may wait until it is there again
    due_at = latest_due(run.rule, identity, run.checked_until, now, zone)
    if due_at is not None and due_at == run.last_due_at:
        run, due_at = replace(run, checked_until=due_at), None  # it came again by a clock set back, and was served
    if due_at is None and _is_to_retry(run, now):
        due_at = run.last_due_at
    return run, due_at


def is_late(due_at: datetime, run_at: datetime) -> bool:
    return run_at - due_at >= LATE


def _is_to_retry(run: ScheduleRun, now: datetime) -> bool:
    """Tell whether a failed run is to be tried again; also when it was, by a clock set back since, in the future."""
    retry_at = run.retry_at()
    if retry_at is None or run.last_run_at is None:
        return False
    return retry_at <= now or run.last_run_at > now
