"""Warnings: raised, raised again, resolved, seen, and gone with what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.db import instances, pools, projects, snapshots, volume_snapshots, volumes
from holdfast.db.database import Database, sqlite_url
from holdfast.model.errors import WarningNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.operation import Event, Lifecycle
from holdfast.model.profile import Project
from holdfast.model.storage import Pool
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.warning import SCHEDULE_FAILED, Severity, WarningRecord, WarningStatus
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.resources import instance_url, snapshot_url, url
from holdfast.service.warnings import WarningService

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALLER = Caller("p")
BOX = instance_url("p", "box")


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - START).total_seconds()


class Scene:
    """A database with an instance `box` and a snapshot in project `p`, and the service over it."""

    def __init__(self, path: Path) -> None:
        self.database = Database(sqlite_url(path))
        self.database.migrate()
        self.clock, self.events = HandClock(), EventBus()
        self.service = WarningService(database=self.database, events=self.events, clock=self.clock)
        with self.database.write() as connection:
            pools.insert(connection, Pool(name="d", driver="dir"))
            projects.insert(connection, Project(name="p", description="", config={}))
            instances.insert(connection, Instance(project="p", name="box", created_at=START, pool="d"))
            snapshots.insert(connection, "p", "box", Snapshot(name="s 1", created_at=START))

    def only(self) -> WarningRecord:
        (found,) = self.service.list(None)
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "holdfast.db")
    yield made
    made.database.close()


def test_it_counts_how_often(scene: Scene) -> None:
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "no space")
    first = scene.only()
    assert (first.occurrences, first.status, first.entity) == (1, WarningStatus.NEW, "/1.0/instances/box")
    assert first.severity is Severity.HIGH
    scene.clock.time += timedelta(hours=1)
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "pool is gone")
    assert scene.only() == replace(
        first, occurrences=2, last_seen_at=START + timedelta(hours=1), message="pool is gone"
    )


def test_of_a_state_that_lasts_it_tells_once(scene: Scene) -> None:
    told: list[Event] = []
    scene.events.subscribe(told.append)
    for message in ("a day old", "a day old", "a day old: no route", "a day old: no route"):
        scene.service.keep_up("p", SCHEDULE_FAILED, BOX, message)
    assert (scene.only().occurrences, scene.only().message) == (2, "a day old: no route")
    scene.service.acknowledge(CALLER, scene.only().id)
    scene.service.keep_up("p", SCHEDULE_FAILED, BOX, "a day old: no route")
    assert scene.only().status is WarningStatus.ACKNOWLEDGED
    scene.service.resolve("p", SCHEDULE_FAILED, BOX)
    scene.service.keep_up("p", SCHEDULE_FAILED, BOX, "a day old: no route")
    assert (scene.only().occurrences, scene.only().status) == (3, WarningStatus.NEW)
    verbs = ["created", "updated", "acknowledged", "resolved", "reset"]
    assert [event.body.action for event in told if isinstance(event.body, Lifecycle)] == [
        f"warning-{verb}" for verb in verbs
    ]


def test_each_kind_and_entity_has_its_own(scene: Scene) -> None:
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "one")
    scene.service.raise_("p", "Other kind", BOX, "two")
    scene.service.raise_(None, SCHEDULE_FAILED, "", "three")
    scene.service.raise_(None, SCHEDULE_FAILED, "", "three again")
    assert sorted(each.message for each in scene.service.list(None)) == ["one", "three again", "two"]
    assert sorted(each.message for each in scene.service.list("p")) == ["one", "two"]


@pytest.mark.parametrize("is_seen", [False, True])
def test_resolved_and_back(scene: Scene, is_seen: bool) -> None:
    scene.service.resolve("p", SCHEDULE_FAILED, BOX)
    assert not scene.service.list(None)
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "no space")
    if is_seen:
        scene.service.acknowledge(CALLER, scene.only().id)
        scene.service.raise_("p", SCHEDULE_FAILED, BOX, "no space")
        assert scene.only().status is WarningStatus.ACKNOWLEDGED
    for _ in range(2):
        scene.service.resolve("p", SCHEDULE_FAILED, BOX)
        assert scene.only().status is WarningStatus.RESOLVED
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "no space")
    assert (scene.only().status, scene.only().occurrences) == (WarningStatus.NEW, 3 if is_seen else 2)


def test_what_the_server_does_by_itself_is_told(scene: Scene) -> None:
    """To those who may see warnings: they belong to no project."""
    told: list[Event] = []
    scene.events.subscribe(told.append)
    scene.service.resolve("p", SCHEDULE_FAILED, BOX)
    scene.service.raise_("p", SCHEDULE_FAILED, "/1.0/instances/gone", "no space")
    for message in ("no space", "pool is gone"):
        scene.service.raise_("p", SCHEDULE_FAILED, BOX, message)
    for _ in range(2):
        scene.service.resolve("p", SCHEDULE_FAILED, BOX)
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "no space")
    bodies = [event.body for event in told if isinstance(event.body, Lifecycle)]
    verbs = ["created", "updated", "resolved", "reset"]
    assert [body.action for body in bodies] == [f"warning-{verb}" for verb in verbs]
    assert {body.source for body in bodies} == {f"/1.0/warnings/{scene.only().id}"}
    assert bodies[0].context == {"type": SCHEDULE_FAILED, "entity": "/1.0/instances/box", "project": "p"}
    assert {event.project for event in told} == {None}


def test_seen_reset_deleted_are_told(scene: Scene) -> None:
    scene.service.raise_("p", SCHEDULE_FAILED, BOX, "no space")
    told: list[Event] = []
    scene.events.subscribe(told.append)
    found = scene.only()
    scene.service.acknowledge(CALLER, found.id)
    scene.service.reset(CALLER, found.id)
    assert scene.only() == found
    scene.service.delete(CALLER, found.id)
    assert not scene.service.list(None)
    bodies = [event.body for event in told if isinstance(event.body, Lifecycle)]
    assert [body.action for body in bodies] == ["warning-acknowledged", "warning-reset", "warning-deleted"]
    assert {body.source for body in bodies} == {f"/1.0/warnings/{found.id}"}
    assert {event.project for event in told} == {"default"}


def test_what_is_not_there(scene: Scene) -> None:
    for verb in (scene.service.acknowledge, scene.service.reset, scene.service.delete):
        with pytest.raises(WarningNotFoundError, match="Warning not found"):
            verb(CALLER, "nope")
    with pytest.raises(WarningNotFoundError):
        scene.service.get("nope")


def test_they_follow_a_rename(scene: Scene) -> None:
    scene.service.raise_("p", "a", BOX, "instance")
    scene.service.raise_("p", "a", snapshot_url("p", "box", "s 1"), "snapshot")
    with scene.database.write() as connection:
        snapshots.rename(connection, "p", "box", "s 1", "s%2")
        instances.rename(connection, "p", "box", "crate", "p")
    about = {each.message: each.entity for each in scene.service.list("p")}
    assert about == {"instance": "/1.0/instances/crate", "snapshot": "/1.0/instances/crate/snapshots/s%252"}
    with scene.database.write() as connection:
        projects.insert(connection, Project(name="q", description="", config={}))
        instances.rename(connection, "p", "crate", "crate", "q")
    assert {each.message: each.entity for each in scene.service.list("q")} == about
    assert scene.service.list("p") == []


def test_they_go_with_their_entity(scene: Scene) -> None:
    with scene.database.write() as connection:
        instances.insert(connection, Instance(project="p", name="box2", created_at=START, pool="d"))
    scene.service.raise_("p", "a", BOX, "instance")
    scene.service.raise_("p", "a", snapshot_url("p", "box", "s 1"), "snapshot")
    scene.service.raise_("p", "a", instance_url("p", "box2"), "another")
    scene.service.raise_(None, "a", url("storage-pools", "d"), "pool")
    with scene.database.write() as connection:
        snapshots.delete(connection, "p", "box", "s 1")
    assert {each.message for each in scene.service.list(None)} == {"instance", "another", "pool"}
    with scene.database.write() as connection:
        instances.delete(connection, "p", "box")
    assert {each.message for each in scene.service.list(None)} == {"another", "pool"}
    with scene.database.write() as connection:
        instances.delete(connection, "p", "box2")
        pools.delete(connection, "d")
    assert not scene.service.list(None)


def test_those_of_volumes_follow_and_go(scene: Scene) -> None:
    volume = CustomVolume(pool="d", project="p", name="data", created_at=START)
    moved = replace(volume, project="q", name="files")
    with scene.database.write() as connection:
        projects.insert(connection, Project(name="q", description="", config={}))
        volumes.insert(connection, volume)
        volume_snapshots.insert(connection, volume, VolumeSnapshot(name="s", created_at=START))
    base = "/1.0/storage-pools/d/volumes/custom"
    scene.service.raise_("p", "a", f"{base}/data?project=p", "volume")
    scene.service.raise_("p", "a", f"{base}/data/snapshots/s?project=p", "snapshot")
    with scene.database.write() as connection:
        volume_snapshots.rename(connection, volume, "s", "t")
        volumes.move(connection, volume, moved)
    about = {each.message: (each.project, each.entity) for each in scene.service.list(None)}
    assert about == {"volume": ("q", f"{base}/files"), "snapshot": ("q", f"{base}/files/snapshots/t")}
    with scene.database.write() as connection:
        volume_snapshots.delete(connection, moved, "t")
    assert scene.only().message == "volume"
    with scene.database.write() as connection:
        volumes.delete(connection, "d", "q", "files")
    assert not scene.service.list(None)


def test_of_what_has_gone_nothing_is_told(scene: Scene) -> None:
    scene.service.raise_("p", "a", instance_url("p", "gone"), "too late")
    scene.service.raise_("p", "a", snapshot_url("p", "gone", "s"), "too late")
    assert not scene.service.list(None)


def test_they_follow_and_leave_with_a_project(scene: Scene) -> None:
    with scene.database.write() as connection:
        instances.delete(connection, "p", "box")
    scene.service.raise_("p", "a", url("projects", "p"), "project")
    with scene.database.write() as connection:
        projects.rename(connection, "p", "q")
    assert scene.only().project == "q"
    with scene.database.write() as connection:
        projects.delete(connection, "q")
    assert not scene.service.list(None)
