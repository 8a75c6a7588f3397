"""How long what crossed between servers is kept: until its time is over, room is short, or what they are of goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.db import transfer_bases as table
from holdfast.model.transfer_base import BaseOwner
from holdfast.model.volume import CustomVolume
from holdfast.service import former_states
from holdfast.service.caller import Caller
from holdfast.service.surroundings import volume_of
from holdfast.service.transfer_bases import KEPT_FOR, TransferBases
from holdfast.service.volume_requests import VolumeMove
from holdfast.storage.driver import Driver, Origin
from support.world import CALLER, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with furnished_world() as found:
        yield found


@pytest.fixture(params=["instance", "volume"])
def owner(world: World, request: pytest.FixtureRequest) -> Iterator[BaseOwner]:
    """An instance or a custom volume in the pool `b`."""
    if request.param == "volume":
        yield world.volume("sent", "b")
    else:
        world.create("sent", "b")
        yield world.services.instances.get("default", "sent").instance
    world.clear()
    assert _trees(world) == []
    assert world.left_over() == []


def _driver(world: World) -> Driver:
    return world.services.pools.driver("b")


def _trees(world: World) -> list[str]:
    return sorted(os.listdir(_driver(world).mount / ".bases"))


def _bases(world: World) -> TransferBases:
    return world.services.migrations.bases


def _keep(world: World, owner: BaseOwner, token: str) -> None:
    volume = owner.address if isinstance(owner, CustomVolume) else volume_of(owner)
    _driver(world).hold_to_send(token, Origin(volume=volume), ".migration-send")
    _bases(world).keep(owner, _driver(world), token, is_received=False)


def test_two_are_kept(world: World, owner: BaseOwner) -> None:
    for number in range(3):
        _keep(world, owner, f"t-{number}")
    assert _trees(world) == ["t-1", "t-2"]
    with _bases(world).usable(owner, _driver(world), is_received=False) as usable:
        assert list(usable.values()) == ["t-2", "t-1"]
    with _bases(world).usable(owner, _driver(world), is_received=True) as usable:
        assert usable == {}


def test_what_is_used_stays_meanwhile(world: World, owner: BaseOwner) -> None:
    _keep(world, owner, "t-0")
    with _bases(world).usable(owner, _driver(world), is_received=False):
        for number in (1, 2):
            _keep(world, owner, f"t-{number}")
        assert _trees(world) == ["t-0", "t-1", "t-2"]
    _keep(world, owner, "t-3")
    assert _trees(world) == ["t-2", "t-3"]


def test_one_goes_when_its_time_is_over_and_not_before(world: World, owner: BaseOwner) -> None:
    _keep(world, owner, "t-0")
    _bases(world).expire()
    assert _trees(world) == ["t-0"]
    with world.services.database.write() as connection:
        (base,) = table.list_all(connection)
        table.delete(connection, base)
        table.add(connection, owner, replace(base, created_at=base.created_at - KEPT_FOR))
    _bases(world).expire()
    assert _trees(world) == []


def test_none_is_kept_where_room_is_short(world: World, owner: BaseOwner, monkeypatch: pytest.MonkeyPatch) -> None:
    _keep(world, owner, "t-0")
    monkeypatch.setattr(former_states, "LEAST_FREE", 2.0)
    _keep(world, owner, "t-1")
    assert _trees(world) == ["t-0"]
    _bases(world).expire()
    assert _trees(world) == []


def test_a_tree_without_a_record_is_rubbish(world: World, owner: BaseOwner) -> None:
    _keep(world, owner, "t-0")
    with world.services.database.write() as connection:
        (base,) = table.list_all(connection)
        table.delete(connection, base)
    _bases(world).discard_leftovers()
    assert _trees(world) == []


def test_a_record_without_its_tree_goes(world: World, owner: BaseOwner) -> None:
    """A power cut may take a tree that was moved to its place a moment before."""
    _keep(world, owner, "t-0")
    _driver(world).drop_base("t-0")
    with _bases(world).usable(owner, _driver(world), is_received=False) as usable:
        assert usable == {}
    _bases(world).discard_leftovers()
    with world.services.database.read() as connection:
        assert table.list_all(connection) == []


def test_they_go_with_what_they_are_of(world: World, owner: BaseOwner) -> None:
    _keep(world, owner, "t-0")
    if isinstance(owner, CustomVolume):
        world.services.volumes.volumes.delete(CALLER, owner.pool, owner.name)
    else:
        world.finish(world.services.instances.delete(CALLER, owner.name))
    assert _trees(world) == []


def test_those_of_an_instance_are_not_those_of_a_volume_of_its_name(world: World, owner: BaseOwner) -> None:
    other: BaseOwner
    if isinstance(owner, CustomVolume):
        world.create(owner.name, "b")
        other = world.services.instances.get("default", owner.name).instance
    else:
        other = world.volume(owner.name, "b")
    _keep(world, owner, "t-0")
    for number in range(1, 4):
        _keep(world, other, f"t-{number}")
    assert _trees(world) == ["t-0", "t-2", "t-3"]


@pytest.mark.parametrize("owner", ["volume"], indirect=True)
def test_a_volume_that_moves_leaves_them_only_in_another_pool(world: World, owner: BaseOwner) -> None:
    """In its own pool it stays what it was, whatever its name and its project are."""
    assert isinstance(owner, CustomVolume)
    _keep(world, owner, "t-0")
    world.services.projects.create(CALLER, "other", "", {})
    try:
        renamed = world.services.volumes.renamer.rename(CALLER, "b", owner.name, "renamed")
        mover = world.services.volumes.mover
        world.finish(mover.move(CALLER, "b", renamed.name, VolumeMove(project="other")))
        assert _trees(world) == ["t-0"]
        moved = replace(renamed, project="other")
        with _bases(world).usable(moved, _driver(world), is_received=False) as usable:
            assert list(usable.values()) == ["t-0"]
        world.finish(mover.move(Caller("other"), "b", moved.name, VolumeMove(pool="d")))
        assert _trees(world) == []
        with world.services.database.read() as connection:
            assert table.list_all(connection) == []
    finally:
        world.clear()
        world.services.projects.delete(CALLER, "other")
