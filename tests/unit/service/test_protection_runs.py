"""Runs of protections: how one ends that was cut off, and which are cut off with it; two changes at one time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.db import pools as pools_table
from holdfast.db import projects as projects_table
from holdfast.db import protections as protections_table
from holdfast.db.database import Connection, Database, sqlite_url
from holdfast.model.clock import SystemClock
from holdfast.model.errors import (
    CancelledOperationError,
    MigrationError,
    ProtectionNotFoundError,
    UnavailableError,
)
from holdfast.model.kinds import StatusCode
from holdfast.model.profile import Project
from holdfast.model.protection import Protection
from holdfast.model.schedules import Schedule
from holdfast.model.storage import Pool
from holdfast.service import protection_pull, protections
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.locks import Locks
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.protection_pull import Pulled, Puller
from holdfast.service.protection_runs import ProtectionRuns
from holdfast.service.protections import ProtectionChange, ProtectionService
from holdfast.service.scheduled import Occasion
from holdfast.service.surroundings import Surroundings
from support.protections import PROTECTION
from support.waiting import LONG_S

CALLER = Caller(project="default")


class Quiet:
    """Implements `Warnings`."""

    def raise_(self, project: str | None, kind: str, entity: str, message: str) -> None: ...

    def keep_up(self, project: str | None, kind: str, entity: str, message: str) -> None: ...

    def resolve(self, project: str | None, kind: str, entity: str) -> None: ...


@dataclass
class Other:
    """In the place of a `Puller`: how the pull of each instance ends."""

    ends: dict[str, Exception | None]
    pulled: list[str] = field(default_factory=list)

    def names(self, protection: Protection) -> list[str]:
        return sorted(self.ends)

    def pull(self, protection: Protection, name: str, handle: OperationHandle) -> Pulled:
        self.pulled.append(name)
        if (end := self.ends[name]) is not None:
            raise end
        return Pulled(0, has_new_snapshots=True)


@dataclass
class Scene:
    database: Database
    operations: Operations
    around: Surroundings
    recorded: list[bool] = field(default_factory=list)

    def runs(self, other: Other) -> ProtectionRuns:
        return ProtectionRuns(self.around, cast(Puller, other), cast(Any, None), zone=lambda: UTC, warnings=Quiet())

    def take(self, other: Other) -> None:
        runs = self.runs(other)
        (subject,) = runs.subjects(None)
        schedule = Schedule(label="default", rule="@daily", pattern="")
        runs.take(subject, Occasion(schedule=schedule, due_at=PROTECTION.created_at, record=self._record))

    def errors(self) -> dict[str, str]:
        with self.database.read() as connection:
            return {each.instance: each.error for each in protections_table.copies(connection).get("home-all", [])}

    def _record(self, _: Connection) -> None:
        self.recorded.append(True)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    database = Database(sqlite_url(tmp_path / "db"))
    database.migrate()
    with database.write() as connection:
        projects_table.insert(connection, Project(name="default", description="", config={}))
        pools_table.insert(connection, Pool(name="p", driver="dir", description="", config={}))
        protections_table.insert(connection, PROTECTION)
    events = EventBus(SystemClock())
    operations = Operations(events, workers=4)
    around = SimpleNamespace(
        database=database, operations=operations, events=events, clock=SystemClock(), locks=Locks()
    )
    yield Scene(database, operations, cast(Surroundings, around))
    operations.drain(0)
    database.close()


def test_a_run_of_which_a_transfer_was_cancelled_has_failed(scene: Scene) -> None:
    """The transfer is an operation of its own, which anybody may cancel; the run wasn't cancelled by that."""
    other = Other({"db": CancelledOperationError("The operation was cancelled"), "web": None})
    with pytest.raises(MigrationError, match="1 of 2 could not be pulled: db: The operation was cancelled"):
        scene.take(other)
    assert scene.recorded == []
    assert scene.errors() == {"db": "The operation was cancelled", "web": ""}


def test_a_run_that_the_end_of_the_server_cuts_off_has_not_succeeded(scene: Scene) -> None:
    other = Other({"db": UnavailableError("Holdfast is shutting down"), "web": None})
    with pytest.raises(UnavailableError):
        scene.take(other)
    assert scene.recorded == [], "the next start finds it due"
    assert scene.errors().get("db", "") == "", "nothing is wrong with the copy"


def test_a_cancel_reaches_the_transfers_that_still_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the transfer of another instance has ended, so that it can't be cancelled any more."""
    begun, cut = threading.Event(), threading.Event()

    def quick(_: OperationHandle) -> None: ...

    def slow(handle: OperationHandle) -> None:
        handle.on_cancel(cut.set)
        begun.set()
        cut.wait(LONG_S)
        handle.check()

    works = iter((quick, slow))
    sink = SimpleNamespace(
        receive=lambda caller, *_: scene.operations.start(caller, "Receiving", next(works), may_cancel=True)
    )
    sending = SimpleNamespace(id="1", document={"metadata": {"control": "a", "fs": "b"}}, cancel=lambda: None)
    monkeypatch.setattr(protection_pull, "_ask_to_send", lambda *_: sending)
    puller = Puller.__new__(Puller)
    puller._around, puller._sink, puller._retention = scene.around, cast(Any, sink), cast(Any, None)
    remote = cast(Any, SimpleNamespace(endpoint=SimpleNamespace(url="https://home")))

    def work(handle: OperationHandle) -> None:
        for name in ("db", "web"):
            puller._transfer(CALLER, PROTECTION, remote, cast(Any, {}), cast(Any, SimpleNamespace(name=name)), handle)

    run = scene.operations.start(CALLER, "Pulling copies", work, may_cancel=True)
    assert begun.wait(LONG_S)
    try:
        scene.operations.cancel(CALLER, run.id)
        assert cut.is_set()
    finally:
        cut.set()
    assert scene.operations.wait(run.id, LONG_S).status is StatusCode.CANCELLED


# --- changes ----------------------------------------------------------------------------------------------------------


def test_two_changes_at_one_time_are_both_made(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pausing one while somebody else changes its rule to keep."""
    runs = scene.runs(Other({}))
    service = ProtectionService(scene.around, runs, cast(Any, None), zone=lambda: UTC, warnings=Quiet())
    others: list[threading.Thread] = []

    def check(protection: Protection) -> None:
        if not others:
            other = threading.Thread(target=service.change, args=(CALLER, "home-all", ProtectionChange(keep="last=3")))
            others.append(other)
            other.start()
            other.join(1)  # it has no need to be over: it may have to wait for this change

    monkeypatch.setattr(protections, "check_protection", check)
    service.change(CALLER, "home-all", ProtectionChange(is_paused=True))
    others[0].join(LONG_S)
    found = runs.protection("home-all")
    assert (found.is_paused, found.keep) == (True, "last=3")


def test_a_change_of_one_that_goes_meanwhile_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = scene.runs(Other({}))
    service = ProtectionService(scene.around, runs, cast(Any, None), zone=lambda: UTC, warnings=Quiet())
    found = runs.protection("home-all")
    service.remove(CALLER, "home-all")
    monkeypatch.setattr(runs, "protection", lambda _: found)  # as it was looked up before
    with pytest.raises(ProtectionNotFoundError):
        service.change(CALLER, "home-all", ProtectionChange(is_paused=True))
