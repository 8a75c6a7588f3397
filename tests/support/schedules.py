"""Schedules on a given clock: real tables, real planner, and subjects whose snapshots are rows alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from holdfast.db import instances as instances_table
from holdfast.db import schedule_runs
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Database
from holdfast.db.schedule_runs import Key
from holdfast.model.errors import HoldfastError
from holdfast.model.expiry import expiry_time
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.retention import Kept
from holdfast.model.schedule_run import ScheduleRun
from holdfast.model.warning import SCHEDULE_FAILED
from holdfast.service.events import EventBus
from holdfast.service.operations import Operations
from holdfast.service.retention import Retention
from holdfast.service.scheduled import Occasion, Subject
from holdfast.service.schedules import Scheduler

START = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that is moved by hand."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class Warned:
    """What a service of warnings would show now; `told` counts."""

    now: dict[tuple[str | None, str, str], str] = field(default_factory=dict)
    told: int = 0

    def raise_(self, project: str | None, kind: str, entity: str, message: str) -> None:
        self.now[project, kind, entity] = message
        self.told += 1

    def resolve(self, project: str | None, kind: str, entity: str) -> None:
        self.now.pop((project, kind, entity), None)


class Shelf:
    """Subjects that are rows of instances; a snapshot is a row, too. `broken` ones fail."""

    owners = schedule_runs.INSTANCES
    warning_kind = SCHEDULE_FAILED

    def __init__(self, database: Database, clock: HandClock) -> None:
        self._database, self._clock = database, clock
        self.broken: dict[str, Exception] = {}
        self.stopped: set[str] = set()
        self.busy_now = self.busiest = 0
        self.taken: list[tuple[str, datetime]] = []
        self.gate: threading.Event | None = None
        self._lock = threading.Lock()

    def add(self, name: str, **config: str) -> None:
        given = {key.replace("__", "."): value for key, value in config.items()}
        with self._database.write() as connection:
            instance = Instance(
                project="default", name=name, created_at=START, pool="p", config={**given, "volatile.uuid": name}
            )
            instances_table.insert(connection, instance)

    def set(self, name: str, **config: str) -> None:
        given = {key.replace("__", "."): value for key, value in config.items()}
        with self._database.write() as connection:
            found = instances_table.get(connection, "default", name)
            assert found is not None
            merged = {key: value for key, value in {**found.config, **given}.items() if value}
            instances_table.update(connection, Instance(**{**_fields(found), "config": merged}))

    def subjects(self, project: str | None) -> list[Subject]:
        with self._database.read() as connection:
            return [
                Subject(
                    noun="instance",
                    resource="instances",
                    key=(each.project, each.name),
                    project=each.project,
                    name=each.name,
                    url=f"/1.0/instances/{each.name}",
                    config=each.config,
                    identity=each.name,
                )
                for each in instances_table.list_all(connection, project)
            ]

    def subject(self, name: str) -> Subject:
        return next(each for each in self.subjects(None) if each.name == name)

    def exists(self, subject: Subject) -> bool:
        return any(each.key == subject.key for each in self.subjects(None))

    def is_wanted_now(self, subject: Subject) -> bool:
        return subject.name not in self.stopped

    def kept(self, project: str | None) -> Mapping[Key, Sequence[Kept]]:
        with self._database.read() as connection:
            return snapshots_table.kept(connection, project)

    def kept_of(self, subject: Subject) -> Sequence[Kept]:
        with self._database.read() as connection:
            return snapshots_table.kept_of(connection, *subject.key)

    def take(self, subject: Subject, occasion: Occasion) -> None:
        with self._lock:
            self.busy_now += 1
            self.busiest = max(self.busiest, self.busy_now)
        try:
            if self.gate is not None:
                assert self.gate.wait(120)
            self._take(subject, occasion)
        finally:
            with self._lock:
                self.busy_now -= 1

    def _take(self, subject: Subject, occasion: Occasion) -> None:
        if subject.name in self.broken:
            raise self.broken[subject.name]
        now = self._clock.now()
        with self._database.write() as connection:
            number = len(snapshots_table.kept_of(connection, *subject.key))
            name = f"{occasion.schedule.label}-{now:%Y%m%d-%H%M%S}-{number}"
            snapshot = Snapshot(
                name=name,
                created_at=now,
                expires_at=expiry_time(occasion.schedule.expiry, now),
                schedule=occasion.schedule.label,
                due_at=occasion.due_at,
            )
            snapshots_table.insert(connection, subject.project, subject.name, snapshot)
            occasion.record(connection)
        with self._lock:
            self.taken.append((subject.name, occasion.due_at))

    @contextmanager
    def holding(self, subject: Subject) -> Iterator[None]:
        yield

    def remove(self, subject: Subject, name: str) -> None:
        with self._database.write() as connection:
            snapshots_table.delete(connection, subject.project, subject.name, name)


@dataclass
class Stage:
    """A scheduler over a shelf; `restart` makes a new one over the same database."""

    database: Database
    zone: tzinfo = UTC
    clock: HandClock = field(default_factory=HandClock)
    warned: Warned = field(default_factory=Warned)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.database, self.clock)
        self.restart()

    def restart(self) -> None:
        self.operations = Operations(EventBus(), clock=self.clock)
        self.retention = Retention(
            database=self.database, operations=self.operations, clock=self.clock, zone=lambda: self.zone
        )
        self.scheduler = Scheduler(
            (self.shelf,),
            self.retention,
            database=self.database,
            clock=self.clock,
            zone=lambda: self.zone,
            warnings=self.warned,
        )

    def tick(self) -> int:
        """Look once, wait for what that started; return how many subjects it worked on."""
        futures = self.scheduler.tick()
        for future in futures:
            future.result(120)
        return len(futures)

    def minutes(self, count: int) -> None:
        """Let time pass as the server sees it."""
        for _ in range(count):
            self.clock.move(minutes=1)
            self.tick()

    def names(self, subject: str) -> list[str]:
        return [each.name for each in self.shelf.kept_of(self.shelf.subject(subject))]

    def run(self, subject: str, schedule: str = "default") -> ScheduleRun:
        with self.database.read() as connection:
            found = schedule_runs.get(connection, self.shelf.owners, ("default", subject), schedule)
        assert found is not None
        return found


def broken(text: str = "the disk is on fire") -> HoldfastError:
    return HoldfastError(text)


def _fields(instance: Instance) -> dict[str, object]:
    return {name: getattr(instance, name) for name in Instance.__dataclass_fields__}
