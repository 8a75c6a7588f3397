"""What a schedule would do before it is set: its next runs, the next name, and what would be kept. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from holdfast.db import projects as projects_table
from holdfast.db import schedule_runs
from holdfast.db.database import Database
from holdfast.model import config_values as values
from holdfast.model.clock import Clock
from holdfast.model.config_values import Check
from holdfast.model.due import next_due
from holdfast.model.errors import BadRequestError
from holdfast.model.expiry import expiry_time
from holdfast.model.pattern import next_name
from holdfast.model.retention import check_keep
from holdfast.model.schedules import DEFAULT_LABEL, SCHEDULES_PREFIX
from holdfast.service.retention import Fate, Retention
from holdfast.service.scheduled import KEEP_KEY, Scheduled, Subject

MOST_RUNS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleDraft:
    """What a form holds; "" is not set. `label` is that of one more schedule."""

    schedule: str = ""
    pattern: str = ""
    keep: str = ""
    expiry: str = ""
    label: str = DEFAULT_LABEL
    count: int = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulePreview:
    """`name` and `expires_at` are those of the next snapshot. `errors` are by field of the draft, "" for none."""

    next_runs: Sequence[datetime]
    name: str
    expires_at: datetime | None
    fates: Sequence[Fate]
    errors: dict[str, str]


class SchedulePreviewer:
    """Looks ahead; thread-safe."""

    def __init__(self, retention: Retention, *, database: Database, clock: Clock, zone: Callable[[], tzinfo]) -> None:
        self._retention, self._database, self._clock, self._zone = retention, database, clock, zone

    def preview(
        self, scheduled: Scheduled, subject: Subject, draft: ScheduleDraft, *, is_volume: bool
    ) -> SchedulePreview:
        """Return what would be. What is wrong in one field is told, and doesn't hide what the others would do."""
        if not 0 <= draft.count <= MOST_RUNS:
            raise BadRequestError(f"Up to {MOST_RUNS} runs can be asked for, not {draft.count}")
        errors = _errors(draft, is_volume=is_volume)
        kept = scheduled.kept_of(subject)
        with self._database.read() as connection:
            runs = schedule_runs.list_for(connection, scheduled.owners, subject.key)
            project = projects_table.get(connection, subject.project)
        draft = _without_faults(draft, errors)
        next_runs = self._next_runs(draft, subject)
        moment = next_runs[0] if next_runs else self._clock.now()
        name = ""
        try:
            names = {} if is_volume else {"project": subject.project, "instance": subject.name}
            name = next_name(draft.pattern, moment.astimezone(), {each.name for each in kept}, names)
        except BadRequestError as error:
            errors["pattern"] = errors["pattern"] or str(error)
        expires_at = None
        try:
            expires_at = expiry_time(draft.expiry, moment)
        except BadRequestError as error:
            errors["expiry"] = str(error)
        rule = project.config.get(KEEP_KEY, "") if project else ""
        return SchedulePreview(
            next_runs=next_runs,
            name=name,
            expires_at=expires_at,
            fates=self._retention.decide(_as_drafted(subject, draft, rule), kept, runs),
            errors=errors,
        )

    def _next_runs(self, draft: ScheduleDraft, subject: Subject) -> list[datetime]:
        found: list[datetime] = []
        after, zone = self._clock.now(), self._zone()
        while draft.schedule and len(found) < draft.count:
            moment = next_due(draft.schedule, subject.identity, after, zone)
            if moment is None:
                break
            found.append(moment)
            after = moment
        return found


def _errors(draft: ScheduleDraft, *, is_volume: bool) -> dict[str, str]:
    schedule: Check = values.volume_schedule if is_volume else values.schedule
    checks: dict[str, tuple[Check, str]] = {
        "schedule": (schedule, draft.schedule),
        "pattern": (values.pattern, draft.pattern),
        "keep": (check_keep, draft.keep),
        "expiry": (values.expiry, draft.expiry),
    }
    return {field: _error(check, value) for field, (check, value) in checks.items()}


def _error(check: Check, value: str) -> str:
    try:
        if value:
            check(value)
    except BadRequestError as error:
        return str(error)
    return ""


def _without_faults(draft: ScheduleDraft, errors: Mapping[str, str]) -> ScheduleDraft:
    return replace(
        draft,
        schedule="" if errors["schedule"] else draft.schedule,
        pattern="" if errors["pattern"] else draft.pattern,
        keep="" if errors["keep"] else draft.keep,
        expiry="" if errors["expiry"] else draft.expiry,
    )


def _as_drafted(subject: Subject, draft: ScheduleDraft, project_keep: str) -> Subject:
    """Return the subject as it would be configured."""
    if draft.label == DEFAULT_LABEL:
        own = {"snapshots.schedule": draft.schedule, KEEP_KEY: draft.keep or project_keep}
    else:
        prefix = f"{SCHEDULES_PREFIX}{draft.label}"
        own = {prefix: draft.schedule, f"{prefix}.keep": draft.keep}
    return replace(subject, config={**subject.config, **own})
