"""Removing snapshots whose time is over: the one place that does so without being told by a person."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from holdfast.db import schedule_runs
from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.model.errors import BadRequestError, ConflictError, HoldfastError, NotFoundError
from holdfast.model.retention import Keep, Kept, Verdict, parse_keep, plan
from holdfast.model.schedule_run import ScheduleRun
from holdfast.model.schedules import keep_rule, schedules_of
from holdfast.service.caller import Caller
from holdfast.service.operations import Operations
from holdfast.service.scheduled import Scheduled, Subject

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fate:
    """A snapshot and what becomes of it."""

    kept: Kept
    verdict: Verdict


class Retention:
    """Decides by the pure planner, and removes; thread-safe."""

    def __init__(self, *, database: Database, operations: Operations, clock: Clock, zone: Callable[[], tzinfo]) -> None:
        self._database, self._operations, self._clock, self._zone = database, operations, clock, zone

    def fates(self, scheduled: Scheduled, subject: Subject) -> Sequence[Fate]:
        """Return what becomes of each snapshot as things stand, oldest first; nothing is changed."""
        with self._database.read() as connection:
            runs = schedule_runs.list_for(connection, scheduled.owners, subject.key)
        return self.decide(subject, scheduled.kept_of(subject), runs)

    def decide(self, subject: Subject, kept: Sequence[Kept], runs: Sequence[ScheduleRun]) -> Sequence[Fate]:
        """Return what becomes of these snapshots of a subject whose schedules stand so."""
        failing = {run.schedule for run in runs if run.failures}
        verdicts = plan(kept, _keeps(subject.config, kept), failing, self._clock.now(), self._zone())
        return [Fate(*pair) for pair in zip(kept, verdicts, strict=True)]

    def may_remove(self, subject: Subject, kept: Sequence[Kept]) -> bool:
        """Tell cheaply whether there may be something to remove: something is past its time, or rules to keep count."""
        now = self._clock.now()
        is_over = any(each.expires_at is not None and each.expires_at <= now for each in kept)
        return is_over or bool(_keeps(subject.config, kept))

    def prune(self, scheduled: Scheduled, subject: Subject) -> None:
        """Remove what nothing keeps. One that can't be removed doesn't keep the others; the next look tries again."""
        if not _doomed(self.fates(scheduled, subject)):
            return
        self._operations.carry_out_here(
            Caller(project=subject.project),
            f"Cleaning up expired {subject.noun} snapshots",
            lambda _: self._remove(scheduled, subject),
            resources={subject.resource: (subject.url,)},
        )

    def _remove(self, scheduled: Scheduled, subject: Subject) -> None:
        """Decide again while the subject is held: a hold or more time may have been given meanwhile."""
        failures = []
        try:
            with scheduled.holding(subject):
                for name in _doomed(self.fates(scheduled, subject)):
                    try:
                        scheduled.remove(subject, name)
                    except HoldfastError as error:
                        _log.warning("Snapshot %s/%s could not be removed: %s", subject.name, name, error)
                        failures.append(f"{subject.name}/{name}: {error}")
        except ConflictError as error:
            _log.info("Snapshots of %s are removed later: %s", subject.name, error)
        except NotFoundError:
            return
        if failures:
            raise BadRequestError("; ".join(failures))


def _doomed(fates: Sequence[Fate]) -> list[str]:
    return [fate.kept.name for fate in fates if fate.verdict.is_removed]


def _keeps(config: Mapping[str, str], kept: Sequence[Kept]) -> dict[str, Keep]:
    """Return the rules by label, also of schedules that are no more but left snapshots."""
    labels = {schedule.label for schedule in schedules_of(config)} | {each.schedule for each in kept if each.schedule}
    rules = {label: parse_keep(keep_rule(config, label)) for label in labels}
    return {label: rule for label, rule in rules.items() if rule is not None}
