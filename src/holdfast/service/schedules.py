"""The scheduler: looks at every schedule once a minute, and runs what is due, a bounded number at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from holdfast.db import schedule_runs
from holdfast.db.database import Connection, Database
from holdfast.model.clock import Clock
from holdfast.model.errors import CancelledOperationError, HoldfastError, NotFoundError, UnavailableError
from holdfast.model.retention import Kept
from holdfast.model.schedule_run import ScheduleRun, is_late, look
from holdfast.model.schedules import Schedule, schedules_of
from holdfast.service.retention import Retention
from holdfast.service.scheduled import Occasion, Scheduled, Subject, Warnings

WORKERS: Final = 4
"""Subjects worked on at a time: enough to keep a disk busy, few enough to leave the host to its instances."""

_BETWEEN_LOOKS: Final = timedelta(seconds=90)
"""What is longer than this was no wait for the next look, but a pause."""

_Mark = tuple[str, schedule_runs.Key]
"""Names a subject among those that are worked on."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    schedule: Schedule
    due_at: datetime


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a tick looks, from when on new schedules count, and where."""

    now: datetime
    since: datetime
    zone: tzinfo


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What one subject needs: rows to write, labels to forget, runs to make, and whether anything is to be removed.

    `may_remove`: after the runs, too, it is worth asking what is to be removed.
    """

    subject: Subject
    changed: Sequence[ScheduleRun]
    gone: Sequence[ScheduleRun]
    due: Sequence[_Due]
    may_remove: bool
    is_any_doomed: bool


class Scheduler:
    """Ticks; thread-safe. What a tick starts may outlast it: the next one leaves those subjects alone."""

    def __init__(
        self,
        kinds: Sequence[Scheduled],
        retention: Retention,
        *,
        database: Database,
        clock: Clock,
        zone: Callable[[], tzinfo],
        warnings: Warnings,
        workers: int = WORKERS,
    ) -> None:
        self._kinds, self._retention = list(kinds), retention
        self._database, self._clock, self._zone, self._warnings = database, clock, zone, warnings
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="schedule")
        self._ticking = threading.Lock()
        self._guard = threading.Lock()
        self._looked_at: datetime | None = None
        self._unreadable: set[str] = set()
        self._busy: set[_Mark] = set()

    def follow(self, scheduled: Scheduled) -> None:
        """Look after one more kind."""
        self._kinds.append(scheduled)

    def tick(self) -> Sequence[Future[None]]:
        """Look at everything and start what is due; return what was started. Beside another tick: nothing."""
        if not self._ticking.acquire(blocking=False):
            return []
        try:
            now = self._clock.now()
            moment = _Moment(now, self._last_look(now), self._zone())
            found = [future for scheduled in self._kinds for future in self._look_at(scheduled, moment)]
            self._looked_at = now
            return found
        finally:
            self._ticking.release()

    def close(self) -> None:
        """Begin nothing more; what waits is found due by the next start."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    # --- the look -----------------------------------------------------------------------------------------------------

    def _last_look(self, now: datetime) -> datetime:
        """Return from when new schedules count: what was set since the last look and came due before this one runs."""
        before = self._looked_at
        return before if before is not None and timedelta(0) <= now - before <= _BETWEEN_LOOKS else now

    def _look_at(self, scheduled: Scheduled, moment: _Moment) -> list[Future[None]]:
        busy = self._busy_now()  # before anything is read: of what ends meanwhile that may not tell yet
        with self._database.read() as connection:
            runs = schedule_runs.list_all(connection, scheduled.owners)
        kept = scheduled.kept(None)
        tried = [
            self._try_to_look(scheduled, subject, runs.get(subject.key, ()), kept.get(subject.key, ()), moment)
            for subject in scheduled.subjects(None)
            if _mark(subject) not in busy
        ]
        looks = [seen for seen in tried if seen is not None]
        self._remember(scheduled, [seen for seen in looks if seen.changed or seen.gone])
        return [self._start(scheduled, seen) for seen in looks if seen.due or seen.is_any_doomed]

    def _try_to_look(
        self,
        scheduled: Scheduled,
        subject: Subject,
        runs: Sequence[ScheduleRun],
        kept: Sequence[Kept],
        moment: _Moment,
    ) -> _Look | None:
        """Look at one subject; a rule of it that can't be read keeps no other waiting, and is told by a warning."""
        try:
            seen = self._look(scheduled, subject, runs, kept, moment)
        except Exception as error:  # noqa: BLE001 - the border of a look: the next one tries again
            _log.exception("The schedules of %s %s can't be read", subject.noun, subject.name)
            self._warnings.raise_(
                subject.project, scheduled.warning_kind, subject.url, f"Schedules can't be read: {error}"
            )
            self._unreadable.add(subject.url)
            return None
        if subject.url in self._unreadable:
            self._unreadable.discard(subject.url)
            self._resolve_if_well(scheduled, subject)
        return seen

    def _look(
        self,
        scheduled: Scheduled,
        subject: Subject,
        runs: Sequence[ScheduleRun],
        kept: Sequence[Kept],
        moment: _Moment,
    ) -> _Look:
        schedules, known = schedules_of(subject.config), {run.schedule: run for run in runs}
        changed, due = [], []
        for schedule in schedules:
            before = known.get(schedule.label)
            run, due_at = look(schedule, before, subject.identity, moment.since, moment.now, moment.zone)
            if due_at is not None and not scheduled.is_wanted_now(subject):
                run, due_at = run.passed_over(due_at), None
            if run != before:
                changed.append(run)
            if due_at is not None:
                due.append(_Due(schedule, due_at))
        labels = {schedule.label for schedule in schedules}
        may_remove = self._retention.may_remove(subject, kept)
        return _Look(
            subject=subject,
            changed=changed,
            gone=[run for run in runs if run.schedule not in labels],
            due=due,
            may_remove=may_remove,
            is_any_doomed=may_remove and self._has_doomed(subject, kept, runs),
        )

    def _remember(self, scheduled: Scheduled, looks: Sequence[_Look]) -> None:
        """Write what the looks have changed, in one transaction however many they are."""
        if not looks:
            return
        with self._database.write() as connection:
            for seen in looks:
                for run in seen.changed:
                    schedule_runs.save(connection, scheduled.owners, seen.subject.key, run)
                for run in seen.gone:
                    schedule_runs.delete(connection, scheduled.owners, seen.subject.key, run.schedule)
        for seen in looks:
            if any(run.failures for run in seen.gone):
                self._resolve_if_well(scheduled, seen.subject)

    def _has_doomed(self, subject: Subject, kept: Sequence[Kept], runs: Sequence[ScheduleRun]) -> bool:
        return any(fate.verdict.is_removed for fate in self._retention.decide(subject, kept, runs))

    # --- the work -----------------------------------------------------------------------------------------------------

    def _start(self, scheduled: Scheduled, seen: _Look) -> Future[None]:
        mark = _mark(seen.subject)
        with self._guard:
            self._busy.add(mark)
        try:
            future = self._executor.submit(self._work, scheduled, seen)
        except BaseException:
            self._forget(mark)
            raise
        future.add_done_callback(lambda _: self._forget(mark))
        return future

    def _work(self, scheduled: Scheduled, seen: _Look) -> None:
        """Make the snapshots that are due, then remove what nothing keeps any longer."""
        subject = seen.subject
        try:
            for due in seen.due:
                self.run(scheduled, subject, due.schedule, due.due_at)
            if seen.may_remove:
                self._retention.prune(scheduled, subject)
        except (NotFoundError, UnavailableError):
            return  # it has gone meanwhile, or the server is stopping
        except HoldfastError as error:
            _log.warning("Snapshots of %s %s could not be looked after: %s", subject.noun, subject.name, error)
        except Exception:  # noqa: BLE001 - the border of a run: the next look tries again
            _log.exception("Looking after the snapshots of %s %s broke", subject.noun, subject.name)

    def run(self, scheduled: Scheduled, subject: Subject, schedule: Schedule, due_at: datetime) -> None:
        """Make one snapshot that is due, and remember how that went. Only a subject that has gone raises."""
        run_at = self._clock.now()
        if is_late(due_at, run_at):
            _log.warning(
                "The %s schedule of %s %s was due at %s: it runs late",
                *(schedule.label, subject.noun, subject.name, due_at.isoformat()),
            )
        was_failing = False

        def record(connection: Connection) -> None:
            nonlocal was_failing
            run = self._run_of(connection, scheduled, subject, schedule, run_at)
            was_failing = run.failures > 0
            schedule_runs.save(connection, scheduled.owners, subject.key, run.succeeded(due_at, run_at))

        try:
            scheduled.take(subject, Occasion(schedule=schedule, due_at=due_at, record=record))
        except (UnavailableError, CancelledOperationError):
            raise
        except Exception as error:
            if isinstance(error, NotFoundError) and not scheduled.exists(subject):
                raise
            self._note_failure(scheduled, subject, schedule, due_at, run_at, error)
            return
        if was_failing:
            self._resolve_if_well(scheduled, subject)

    def _note_failure(
        self,
        scheduled: Scheduled,
        subject: Subject,
        schedule: Schedule,
        due_at: datetime,
        run_at: datetime,
        error: Exception,
    ) -> None:
        if not isinstance(error, HoldfastError):
            _log.exception("The %s schedule of %s %s broke", schedule.label, subject.noun, subject.name)
        text = str(error) if isinstance(error, HoldfastError) else f"Internal error: {type(error).__name__}: {error}"
        with self._database.write() as connection:
            run = self._run_of(connection, scheduled, subject, schedule, run_at).failed(due_at, run_at, text)
            schedule_runs.save(connection, scheduled.owners, subject.key, run)
        message = f"Schedule {schedule.label}: {text} (failed {run.failures} times; last success: {_text(run)})"
        _log.warning("The schedule of %s %s failed: %s", subject.noun, subject.name, message)
        self._warnings.raise_(subject.project, scheduled.warning_kind, subject.url, message)

    def _resolve_if_well(self, scheduled: Scheduled, subject: Subject) -> None:
        """Take the warning back once none of its schedules is failing."""
        with self._database.read() as connection:
            runs = schedule_runs.list_for(connection, scheduled.owners, subject.key)
        if not any(run.failures for run in runs):
            self._warnings.resolve(subject.project, scheduled.warning_kind, subject.url)

    @staticmethod
    def _run_of(
        connection: Connection, scheduled: Scheduled, subject: Subject, schedule: Schedule, now: datetime
    ) -> ScheduleRun:
        """Return it as it is now: it may have run at a start of the instance since the look."""
        found = schedule_runs.get(connection, scheduled.owners, subject.key, schedule.label)
        return found or ScheduleRun(schedule=schedule.label, rule=schedule.rule, checked_until=now)

    def _busy_now(self) -> frozenset[_Mark]:
        with self._guard:
            return frozenset(self._busy)

    def _forget(self, mark: _Mark) -> None:
        with self._guard:
            self._busy.discard(mark)


def _mark(subject: Subject) -> _Mark:
    return subject.noun, subject.key


def _text(run: ScheduleRun) -> str:
    return run.last_success_at.isoformat(timespec="seconds") if run.last_success_at else "never"
