"""Held snapshots stay, whatever is asked: deletion, expiry, reuse, refresh, deletion of the instance."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.model.instance import Snapshot
from holdfast.model.instance_changes import InstanceChange
from holdfast.service.instance_requests import FromCopy, InstanceRequest, SnapshotChange
from support.waiting import await_true
from support.world import CALLER, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
ROOT = {"root": {"type": "disk", "path": "/", "pool": "b"}}

HELD = SnapshotChange(is_held=True)
RELEASED = SnapshotChange(is_held=False)
REMEDY = "`holdfast snapshot release c1/kept`"


def record(world: World, instance: str, name: str) -> Snapshot:
    return world.services.snapshots.get("default", instance, name).snapshot


def change(world: World, snapshot: str, wanted: SnapshotChange) -> None:
    world.finish(world.services.snapshots.update(CALLER, "c1", snapshot, wanted))


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as made:
        yield made


@pytest.fixture
def held(the_world: World) -> Iterator[World]:
    """An instance `c1` with a held snapshot `kept` and a free one."""
    world = the_world
    world.create("c1", "b")
    world.finish(world.services.snapshots.create(CALLER, "c1", "kept", description="before the move"))
    world.snapshot("c1", "free")
    change(world, "kept", HELD)
    yield world
    if "c1" in world.names() and "kept" in world.snapshots("c1"):
        change(world, "kept", RELEASED)
    world.clear()
    assert world.left_over() == []


def test_what_a_change_leaves_alone(held: World) -> None:
    before = record(held, "c1", "kept")
    change(held, "kept", SnapshotChange())
    assert record(held, "c1", "kept") == before
    assert (before.is_held, before.description, before.schedule, before.due_at) == (True, "before the move", "", None)
    change(held, "kept", SnapshotChange(description="", is_held=False))
    after = record(held, "c1", "kept")
    assert (after.is_held, after.description, after.config) == (False, "", before.config)


def test_nobody_deletes_it(held: World) -> None:
    with pytest.raises(BadRequestError, match=REMEDY):
        held.services.snapshots.delete(CALLER, "c1", "kept")
    with pytest.raises(BadRequestError, match=REMEDY):
        held.services.instances.delete(CALLER, "c1")
    assert held.snapshots("c1") == ["kept", "free"]
    assert not held.left_over()
    change(held, "kept", RELEASED)
    held.finish(held.services.snapshots.delete(CALLER, "c1", "kept"))
    held.finish(held.services.instances.delete(CALLER, "c1"))
    assert not held.names()


def test_its_time_is_never_over(held: World) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    for name in ("kept", "free"):
        change(held, name, SnapshotChange(expires=past))
    held.tick()
    assert held.snapshots("c1") == ["kept"]
    change(held, "kept", RELEASED)
    held.tick()
    assert held.snapshots("c1") == []


def test_an_ephemeral_instance_stays_with_it(held: World, caplog: pytest.LogCaptureFixture) -> None:
    held.finish(held.services.instances.update(CALLER, "c1", InstanceChange(ephemeral=True)))
    held.power("c1", "start")
    with caplog.at_level(logging.WARNING):
        held.power("c1", "stop")
    assert "Ephemeral instance c1 stays: its snapshots kept are held" in caplog.text
    assert held.snapshots("c1") == ["kept", "free"]
    held.power("c1", "start")
    change(held, "kept", RELEASED)
    held.power("c1", "stop")
    assert not held.names()


def test_an_ephemeral_instance_that_ends_by_itself_stays_with_it(held: World, caplog: pytest.LogCaptureFixture) -> None:
    held.finish(held.services.instances.update(CALLER, "c1", InstanceChange(ephemeral=True)))
    held.power("c1", "start")
    held.runtime.kill("c1")
    await_true(lambda: "Ephemeral instance c1 stays" in caplog.text, "the end is noted")
    assert held.services.instances.get("default", "c1").instance.config["volatile.last_state.power"] == "STOPPED"
    assert held.snapshots("c1") == ["kept", "free"]


def test_rename_and_copy_keep_it(held: World) -> None:
    held.finish(held.services.snapshots.rename(CALLER, "c1", "kept", "kept2"))
    renamed = record(held, "c1", "kept2")
    assert renamed.is_held and renamed.description == "before the move"
    held.finish(held.services.instances.create(CALLER, InstanceRequest(name="c2", devices=ROOT), FromCopy(name="c1")))
    copied = record(held, "c2", "kept2")
    assert copied.is_held and copied.description == "before the move"
    with pytest.raises(BadRequestError, match="`holdfast snapshot release c2/kept2`"):
        held.services.instances.delete(CALLER, "c2")
    held.finish(held.services.snapshots.update(CALLER, "c2", "kept2", RELEASED))
    held.finish(held.services.instances.delete(CALLER, "c2"))
    held.finish(held.services.snapshots.rename(CALLER, "c1", "kept2", "kept"))


def test_a_fresh_copy_does_not_lose_what_has_expired(held: World) -> None:
    """The hold goes into the copy, by a copy and by a refresh: else the next look would take it from there."""
    change(held, "kept", SnapshotChange(expires=datetime.now(UTC) - timedelta(minutes=1)))
    request = InstanceRequest(name="c2", devices=ROOT)
    held.finish(held.services.instances.create(CALLER, request, FromCopy(name="c1", instance_only=True)))
    held.finish(held.services.instances.create(CALLER, request, FromCopy(name="c1", refresh=True)))
    held.finish(held.services.instances.create(CALLER, replace(request, name="c3"), FromCopy(name="c1")))
    held.tick()
    for copy in ("c2", "c3"):
        assert held.snapshots(copy) == ["kept", "free"]
        held.finish(held.services.snapshots.update(CALLER, copy, "kept", RELEASED))
    held.tick()
    assert held.snapshots("c2") == held.snapshots("c3") == ["free"]


def test_a_refresh_does_not_take_it(held: World) -> None:
    """What is held in the copy stays beside what comes, unless that would have its name: then nothing is changed."""
    request, refresh = InstanceRequest(name="c2", devices=ROOT), FromCopy(name="c1", refresh=True)
    held.finish(held.services.instances.create(CALLER, request, FromCopy(name="c1")))
    held.finish(held.services.snapshots.update(CALLER, "c2", "kept", RELEASED))
    held.finish(held.services.snapshots.update(CALLER, "c2", "free", HELD))
    held.finish(held.services.snapshots.delete(CALLER, "c1", "free"))
    held.finish(held.services.instances.create(CALLER, request, refresh))
    assert held.snapshots("c2") == ["kept", "free"]
    held.write("c1", "/root/new", "new")
    held.snapshot("c1", "free")
    with pytest.raises(HoldfastError, match="`holdfast snapshot release c2/free`"):
        held.finish(held.services.instances.create(CALLER, request, refresh))
    assert held.read("c2", "/root/new") is None
    assert held.snapshots("c2") == ["kept", "free"]
    assert held.left_over() == []
    held.finish(held.services.snapshots.update(CALLER, "c2", "free", RELEASED))
    held.finish(held.services.instances.create(CALLER, request, refresh))
    assert record(held, "c2", "free").created_at == record(held, "c1", "free").created_at
    assert held.read("c2", "/root/new") == "new"


def test_a_restore_brings_the_description_of_the_instance_back(held: World) -> None:
    def described(text: str) -> None:
        held.finish(held.services.instances.update(CALLER, "c1", InstanceChange(description=text)))

    described("as it was")
    held.finish(held.services.snapshots.create(CALLER, "c1", "third", description="of the snapshot"))
    described("as it is")
    held.finish(held.services.restore.restore(CALLER, "c1", "third"))
    assert held.services.instances.get("default", "c1").instance.description == "as it was"
    assert record(held, "c1", "third").description == "of the snapshot"


def test_an_expiry_may_be_given_as_an_expression(held: World) -> None:
    held.finish(held.services.snapshots.create(CALLER, "c1", "brief", expiry="2H"))
    made = record(held, "c1", "brief")
    assert made.expires_at is not None
    assert abs(made.expires_at - made.created_at - timedelta(hours=2)) < timedelta(minutes=1)
    with pytest.raises(BadRequestError, match="Invalid expiry expression"):
        held.services.snapshots.create(CALLER, "c1", "never", expiry="soon")
