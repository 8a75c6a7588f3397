"""The undo of a restore: the state before it is kept for a time, comes back whole, and goes when it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from holdfast.db import former_states as table
from holdfast.model.errors import BadRequestError, HoldfastError, NotFoundError
from holdfast.model.former_state import FormerState
from holdfast.model.instance_changes import InstanceChange
from holdfast.service import former_states
from holdfast.service.instance_requests import FromCopy, InstanceRequest, MoveRequest
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture(params=POOLS)
def victim(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """A stopped instance with "new" and user.mark=new; its snapshot `one` has "old" and no mark. The pool's name."""
    world.create("victim", request.param)
    world.write("victim", "/root/data", "old")
    world.snapshot("victim", "one")
    world.write("victim", "/root/data", "new")
    world.services.instances.patch(CALLER, "victim", InstanceChange(config={"user.mark": "new"}))
    yield request.param
    world.clear()
    assert world.left_over() == []


def _restore(world: World, snapshot: str = "one") -> None:
    world.finish(world.services.restore.restore(CALLER, "victim", snapshot))


def _undo(world: World) -> None:
    world.finish(world.services.restore.undo(CALLER, "victim"))


def _facts(world: World, name: str = "victim") -> tuple[str | None, str | None]:
    mark = world.services.instances.get("default", name).instance.config.get("user.mark")
    return world.read(name, "/root/data"), mark


def _is_kept(world: World, name: str = "victim") -> bool:
    try:
        world.services.former_states.view("default", name)
    except NotFoundError:
        return False
    return True


@pytest.mark.usefixtures("victim")
def test_undo_brings_back_content_and_record_and_a_second_one_is_a_redo(world: World) -> None:
    world.events.clear()
    _restore(world)
    assert _facts(world) == ("old", None)
    view = world.services.former_states.view("default", "victim")
    assert view.state.snapshot == "one"
    assert view.state.expires_at - view.state.created_at > timedelta(hours=23)
    _undo(world)
    assert _facts(world) == ("new", "new")
    _undo(world)
    assert _facts(world) == ("old", None)
    assert world.snapshots("victim") == ["one"]
    assert world.left_over() == []
    assert world.actions().count("instance-restored") == 3


@pytest.mark.usefixtures("victim")
def test_a_running_instance_is_stopped_and_started_again(world: World) -> None:
    world.power("victim", "start")
    _restore(world)
    world.run("victim", "sh", "-c", "echo -n later >/root/data")
    _undo(world)
    assert world.run("victim", "cat", "/root/data") == (0, "new")
    _undo(world)
    assert world.run("victim", "cat", "/root/data") == (0, "later")


@pytest.mark.usefixtures("victim")
def test_threat_what_is_written_after_a_restore_does_not_reach_the_former_state(world: World) -> None:
    """A file that is the same in the snapshot and before the restore may be shared: not with what is written later."""
    world.write("victim", "/root/same", "same")
    world.snapshot("victim", "two")
    _restore(world, "two")
    world.power("victim", "start")
    world.run("victim", "sh", "-c", "echo -n X >>/root/same; echo -n X >>/root/data")
    world.power("victim", "stop")
    assert (world.read("victim", "/root/same"), world.read("victim", "/root/data")) == ("sameX", "newX")
    _undo(world)
    assert (world.read("victim", "/root/same"), world.read("victim", "/root/data")) == ("same", "new")
    world.write("victim", "/root/same", "Y")
    _restore(world, "two")
    assert world.read("victim", "/root/same") == "same"


@pytest.mark.usefixtures("victim")
def test_another_restore_takes_its_place(world: World) -> None:
    _restore(world)
    world.write("victim", "/root/data", "newer")
    _restore(world)
    _undo(world)
    assert world.read("victim", "/root/data") == "newer"


@pytest.mark.parametrize("value", ["off", "0", "0d"])
@pytest.mark.usefixtures("victim")
def test_it_can_be_switched_off(world: World, value: str) -> None:
    world.services.instances.patch(CALLER, "victim", InstanceChange(config={"snapshots.undo": value}))
    _restore(world)
    assert not _is_kept(world)
    with pytest.raises(NotFoundError, match="Nothing to undo"):
        world.services.restore.undo(CALLER, "victim")
    assert world.left_over() == []


@pytest.mark.usefixtures("victim")
def test_a_time_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(BadRequestError, match=r'snapshots.undo "soon": give a time'):
        world.services.instances.patch(CALLER, "victim", InstanceChange(config={"snapshots.undo": "soon"}))


@pytest.mark.usefixtures("victim")
def test_it_goes_when_its_time_is_over_and_not_before(world: World) -> None:
    _restore(world)
    world.services.former_states.expire()
    assert _is_kept(world)
    state = world.services.former_states.view("default", "victim").state
    with world.services.database.write() as connection:
        table.put(connection, replace(state, expires_at=state.created_at))
    world.services.former_states.expire()
    assert not _is_kept(world)
    assert world.left_over() == []
    assert _facts(world) == ("old", None)


@pytest.mark.usefixtures("victim")
def test_it_is_not_kept_and_goes_where_space_is_short(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _restore(world)
    monkeypatch.setattr(former_states, "LEAST_FREE", 2.0)
    world.services.former_states.expire()
    assert not _is_kept(world)
    ended = world.finish(world.services.restore.restore(CALLER, "victim", "one"))
    assert ended.metadata == {"undo_kept": False}
    assert not _is_kept(world)
    assert world.left_over() == []


@pytest.mark.usefixtures("victim")
def test_what_is_not_to_be_kept_is_not_missed(world: World) -> None:
    world.services.instances.patch(CALLER, "victim", InstanceChange(config={"snapshots.undo": "off"}))
    ended = world.finish(world.services.restore.restore(CALLER, "victim", "one"))
    assert (ended.metadata or {}, _is_kept(world)) == ({}, False)


@pytest.mark.usefixtures("victim")
def test_it_can_be_forgotten(world: World) -> None:
    _restore(world)
    world.services.former_states.forget(CALLER, "victim")
    assert not _is_kept(world)
    assert world.left_over() == []
    with pytest.raises(NotFoundError):
        world.services.former_states.forget(CALLER, "victim")


@pytest.mark.usefixtures("victim")
def test_it_follows_a_rename(world: World) -> None:
    _restore(world)
    world.finish(world.services.instances.rename(CALLER, "victim", "other"))
    world.finish(world.services.restore.undo(CALLER, "other"))
    assert _facts(world, "other") == ("new", "new")


def test_it_ends_with_a_move_and_a_copy_has_none(world: World, victim: str) -> None:
    _restore(world)
    world.finish(world.services.instances.create(CALLER, InstanceRequest(name="twin"), FromCopy(name="victim")))
    assert not _is_kept(world, "twin")
    there = {"d": "b", "b": "d"}[victim]
    world.finish(world.services.copies.move(CALLER, "victim", MoveRequest(pool=there)))
    assert not _is_kept(world)
    assert world.left_over() == []


@pytest.mark.usefixtures("victim")
def test_undo_works_when_the_snapshot_is_gone_or_renamed(world: World) -> None:
    _restore(world)
    world.finish(world.services.snapshots.delete(CALLER, "victim", "one"))
    _undo(world)
    assert _facts(world) == ("new", "new")


@pytest.mark.usefixtures("victim")
def test_a_restore_that_fails_keeps_the_former_state_there_was(world: World) -> None:
    _restore(world)
    with pytest.raises(HoldfastError, match="does not exist"):
        _restore(world, "nosuch")
    _undo(world)
    assert _facts(world) == ("new", "new")


def test_what_has_no_record_is_removed_at_the_start(world: World, victim: str) -> None:
    driver = world.services.pools.driver(victim)
    driver.stage("rubbish-0")
    driver.keep_former("rubbish-0")
    _restore(world)
    world.services.clear_leftovers()
    assert world.left_over() == []
    assert isinstance(world.services.former_states.view("default", "victim").state, FormerState)


def test_threat_restoring_an_older_snapshot_takes_no_newer_one_away(
    world: World, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All drivers here keep the newer ones; one that can't is refused with the list of what would be lost."""
    for name in ("two", "three"):
        world.snapshot("victim", name)
    _restore(world)
    assert world.snapshots("victim") == ["one", "two", "three"]
    _undo(world)
    driver = world.services.pools.driver(victim)
    monkeypatch.setattr(driver, "features", replace(driver.features, restore_keeps_newer=False))
    with pytest.raises(HoldfastError, match="would delete the newer snapshots two, three"):
        _restore(world)
    assert _facts(world) == ("new", "new")
    _restore(world, "three")
    assert world.snapshots("victim") == ["one", "two", "three"]
