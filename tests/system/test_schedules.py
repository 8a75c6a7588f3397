"""Schedules with real instances and volumes on real pools, and once on the real clock."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from holdfast.client.client import Client
from holdfast.client.errors import ClientError
from holdfast.db import schedule_runs
from holdfast.db import snapshots as snapshots_table
from holdfast.model.clock import SystemClock
from holdfast.model.instance import Snapshot
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.schedule_run import ScheduleRun
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = pytest.mark.root
MINUTELY = "* * * * *"


@pytest.fixture(scope="module")
def furnished() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(furnished: World) -> Iterator[World]:
    furnished.events.clear()
    yield furnished
    furnished.clear()
    assert furnished.left_over() == []


def configure(world: World, name: str, **config: str) -> None:
    given = {key.replace("__", "."): value for key, value in config.items()}
    world.services.instances.patch(CALLER, name, InstanceChange(config=given))


def make_due(world: World, key: tuple[str, ...], owners: schedule_runs.Owners = schedule_runs.INSTANCES) -> None:
    """Let the schedules of a subject have been looked at two hours ago for the last time."""
    with world.services.database.write() as connection:
        for run in schedule_runs.list_for(connection, owners, key):
            earlier = replace(run, checked_until=run.checked_until - timedelta(hours=2))
            schedule_runs.save(connection, owners, key, earlier)


def run_of(world: World, name: str, label: str = "default") -> ScheduleRun:
    with world.services.database.read() as connection:
        found = schedule_runs.get(connection, schedule_runs.INSTANCES, ("default", name), label)
    assert found is not None
    return found


def kept(world: World, name: str) -> list[Snapshot]:
    with world.services.database.read() as connection:
        return snapshots_table.list_for(connection, "default", name)


@pytest.mark.parametrize("pool", POOLS)
def test_a_due_schedule_makes_a_snapshot_of_a_running_instance(world: World, pool: str) -> None:
    world.create("c1", pool, start=True)
    configure(
        world,
        "c1",
        snapshots__schedule=MINUTELY,
        snapshots__pattern="auto%d",
        snapshots__expiry="1d",
        snapshots__expiry__manual="2d",
    )
    assert world.tick() == 0
    make_due(world, ("default", "c1"))
    assert world.tick() == 1
    world.snapshot("c1", "mine")
    made, mine = kept(world, "c1")
    run = run_of(world, "c1")
    assert (made.name, made.schedule, made.due_at) == ("auto0", "default", run.last_due_at)
    assert made.expires_at == made.created_at + timedelta(days=1)
    assert (mine.schedule, mine.due_at, mine.expires_at) == ("", None, mine.created_at + timedelta(days=2))
    assert run.last_success_at is not None
    assert world.actions().count("instance-snapshot-created") == 2
    (view,) = world.services.schedule_reader.list(None)
    assert (view.status.value, view.subject.name, view.schedule.rule) == ("ok", "c1", MINUTELY)
    assert view.next_at is not None
    assert view.next_to_go is not None
    assert view.next_to_go.verdict.goes_at == made.expires_at


def test_stopped_instances_are_left_out_unless_they_say_otherwise(world: World) -> None:
    world.create("c1", "d")
    configure(world, "c1", snapshots__schedule=MINUTELY)
    world.tick()
    make_due(world, ("default", "c1"))
    assert world.tick() == 0
    configure(world, "c1", snapshots__schedule__stopped="true")
    make_due(world, ("default", "c1"))
    assert world.tick() == 1
    assert world.snapshots("c1") == ["snap0"]


@pytest.mark.parametrize("pool", POOLS)
def test_startup_makes_a_snapshot_before_the_instance_runs(world: World, pool: str) -> None:
    world.create("c1", pool)
    configure(world, "c1", snapshots__schedule="@startup", snapshots__pattern="before%d")
    world.power("c1", "start")
    assert world.snapshots("c1") == ["before0"]
    actions = world.actions()
    assert actions.index("instance-snapshot-created") < actions.index("instance-started")
    world.power("c1", "restart")
    assert world.snapshots("c1") == ["before0", "before1"]
    assert run_of(world, "c1").last_success_at is not None
    world.tick()
    assert world.snapshots("c1") == ["before0", "before1"]


def test_a_snapshot_that_can_not_be_made_keeps_no_instance_from_starting(world: World) -> None:
    world.create("c1", "d")
    configure(world, "c1", snapshots__schedule="@startup", snapshots__pattern="x")
    stray = world.services.pools.driver("d").mount / "containers-snapshots/c1/x"
    stray.mkdir(parents=True)
    world.power("c1", "start")
    stray.rmdir()
    run = run_of(world, "c1")
    assert run.failures == 1
    assert "is in its pool, but not in the database" in run.error
    (view,) = world.services.schedule_reader.list("default")
    assert view.status.value == "failing"
    world.power("c1", "restart")
    assert run_of(world, "c1").failures == 0


def test_the_newest_goes_by_no_rule_while_held_ones_stay(world: World) -> None:
    world.create("c1", "b", start=True)
    configure(world, "c1", snapshots__schedule=MINUTELY, snapshots__keep="last=2")
    world.tick()
    for _ in range(2):
        make_due(world, ("default", "c1"))
        with world.services.database.write() as connection:
            run = schedule_runs.get(connection, schedule_runs.INSTANCES, ("default", "c1"), "default")
            assert run is not None
            schedule_runs.save(connection, schedule_runs.INSTANCES, ("default", "c1"), replace(run, last_due_at=None))
        assert world.tick() == 1
    first = kept(world, "c1")[0]
    with world.services.database.write() as connection:
        snapshots_table.update(connection, "default", "c1", replace(first, is_held=True))
    configure(world, "c1", snapshots__keep="last=1", snapshots__schedule="@never")
    world.tick()
    assert world.snapshots("c1") == ["snap0", "snap1"]
    with world.services.database.write() as connection:
        snapshots_table.update(connection, "default", "c1", first)
    fates = world.services.retention.fates(world.services.schedules, world.services.schedules.subject("default", "c1"))
    assert [(each.kept.name, each.verdict.is_removed) for each in fates] == [("snap0", True), ("snap1", False)]
    world.tick()
    assert world.snapshots("c1") == ["snap1"]


def test_volumes_have_schedules_too(world: World) -> None:
    world.volume("v1", "d", snapshots_schedule=MINUTELY, snapshots_pattern="vol%d", snapshots_expiry="1d")
    world.tick()
    key = ("d", "default", "v1")
    make_due(world, key, schedule_runs.VOLUMES)
    assert world.tick() == 1
    assert world.volume_snapshots("v1", "d") == ["vol0"]
    found = world.services.volumes.schedules.kept(None)[key]
    assert [(each.schedule, each.expires_at is not None) for each in found] == [("default", True)]
    (view,) = world.services.schedule_reader.list("default")
    assert (view.subject.noun, view.subject.name, view.status.value) == ("volume", "d/v1", "ok")


# --- on the real clock ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_a_schedule_of_every_minute_makes_a_snapshot_and_expires_it() -> None:
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        server.lxc.run("init", "tiny", "c1")
        client = Client.connect(str(server.socket))
        seen = Seen(client)
        try:
            # All at once: at the beginning of a minute a schedule without the expiry would make one that stays.
            wanted = (f"snapshots.schedule={MINUTELY}", "snapshots.schedule.stopped=true", "snapshots.expiry=10S")
            server.lxc.run("config", "set", "c1", *wanted)
            begun = SystemClock().now()
            assert seen.created.wait(150), "no snapshot within two and a half minutes"
            (listed,) = client.schedules.list()
            assert (listed["name"], listed["label"], listed["rule"]) == ("c1", "default", MINUTELY)
            assert listed["status"] == "ok"
            (planned,) = client.snapshots.plan("c1")
            assert planned["schedule"] == "default"
            assert planned["goes_at"] == planned["expires_at"]
            assert seen.deleted.wait(150), "it did not go within two and a half minutes"
            assert SystemClock().now() - begun < timedelta(seconds=290)
            assert "c1" in server.holdfast("schedule", "list").stdout
            lines = server.holdfast("schedule", "list", "--format", "csv").stdout.splitlines()
            assert [line.split(",")[:2] for line in lines] == [["c1", MINUTELY]]
        finally:
            server.lxc.run("delete", "--force", "c1", expect=None)
    shutil.rmtree(directory)


class Seen:
    """What a listener to events has seen; the stream is open when this is made."""

    def __init__(self, client: Client) -> None:
        self.created, self.deleted = threading.Event(), threading.Event()
        self._stream = client.events.listen(["lifecycle"])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(ClientError):  # the server goes while this listens
            for event in self._stream:
                text = str(event)
                if "instance-snapshot-created" in text:
                    self.created.set()
                if "instance-snapshot-deleted" in text:
                    self.deleted.set()
