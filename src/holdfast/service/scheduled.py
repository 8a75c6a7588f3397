"""What schedules work on, said in general: instances are one kind of it, custom volumes another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from holdfast.db.database import Connection
from holdfast.db.schedule_runs import Key, Owners
from holdfast.model.retention import Kept
from holdfast.model.schedules import Schedule

KEEP_KEY: Final = "snapshots.keep"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One thing that may have schedules. `config` is what applies to it: profiles, and what its project gives.

    `key` names its row for `db.schedule_runs`, `identity` spreads the aliases, `noun` is for people ("instance"),
    `resource` is the kind of resource that operations name.
    """

    noun: str
    resource: str
    key: Key
    project: str
    name: str
    url: str
    config: Mapping[str, str]
    identity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """Why a snapshot is made without a person: the schedule, and the moment for which it wanted one.

    `record` is called in the transaction that records the snapshot: after a crash both are there, or neither is.
    """

    schedule: Schedule
    due_at: datetime
    record: Callable[[Connection], None]


class Scheduled(Protocol):
    """One kind of subjects, and what schedules and retention do with them."""

    owners: Owners
    warning_kind: str
    """The warning that says that schedules of this kind are failing."""

    def subjects(self, project: str | None) -> list[Subject]:
        """Return those of a project, of all when None."""

    def exists(self, subject: Subject) -> bool: ...

    def is_wanted_now(self, subject: Subject) -> bool:
        """Tell whether its schedules apply as it is now: not, for instance, while it is stopped."""

    def kept(self, project: str | None) -> Mapping[Key, Sequence[Kept]]:
        """Return all snapshots by subject, oldest first."""

    def kept_of(self, subject: Subject) -> Sequence[Kept]: ...

    def take(self, subject: Subject, occasion: Occasion) -> None:
        """Take a snapshot, as an operation that others see. Raises `NotFoundError` if the subject has gone."""

    def holding(self, subject: Subject) -> AbstractContextManager[None]:
        """Hold it for removals, without waiting: `ConflictError` when it is busy, `NotFoundError` when it has gone."""

    def remove(self, subject: Subject, name: str) -> None:
        """Delete a snapshot of a subject that is held."""


class Warnings(Protocol):
    """Where work that nobody waits for tells what failed, until it succeeds again."""

    def raise_(self, project: str | None, kind: str, entity: str, message: str) -> None: ...

    def keep_up(self, project: str | None, kind: str, entity: str, message: str) -> None: ...

    def resolve(self, project: str | None, kind: str, entity: str) -> None: ...
