"""How long what crossed between servers is kept: until its time is over, room is short, or the instance goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.db import transfer_bases as table
from holdfast.service import former_states
from holdfast.service.surroundings import volume_of
from holdfast.service.transfer_bases import KEPT_FOR, TransferBases
from holdfast.storage.driver import Driver, Origin
from support.world import CALLER, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with furnished_world() as found:
        yield found


@pytest.fixture
def instance(world: World) -> Iterator[str]:
    world.create("sent", "b")
    yield "sent"
    world.clear()
    assert _trees(world) == []
    assert world.left_over() == []


def _driver(world: World) -> Driver:
    return world.services.pools.driver("b")


def _trees(world: World) -> list[str]:
    return sorted(os.listdir(_driver(world).mount / ".bases"))


def _bases(world: World) -> TransferBases:
    return world.services.migrations.bases


def _keep(world: World, name: str, token: str) -> None:
    found = world.services.instances.get("default", name).instance
    volume = volume_of(found)
    _driver(world).hold_to_send(token, Origin(volume=volume), ".migration-send")
    _bases(world).keep(found, _driver(world), token, is_received=False)


def test_two_are_kept(world: World, instance: str) -> None:
    for number in range(3):
        _keep(world, instance, f"t-{number}")
    assert _trees(world) == ["t-1", "t-2"]
    found = world.services.instances.get("default", instance).instance
    with _bases(world).usable(found, _driver(world), is_received=False) as usable:
        assert list(usable.values()) == ["t-2", "t-1"]
    with _bases(world).usable(found, _driver(world), is_received=True) as usable:
        assert usable == {}


def test_what_is_used_stays_meanwhile(world: World, instance: str) -> None:
    _keep(world, instance, "t-0")
    found = world.services.instances.get("default", instance).instance
    with _bases(world).usable(found, _driver(world), is_received=False):
        for number in (1, 2):
            _keep(world, instance, f"t-{number}")
        assert _trees(world) == ["t-0", "t-1", "t-2"]
    _keep(world, instance, "t-3")
    assert _trees(world) == ["t-2", "t-3"]


def test_one_goes_when_its_time_is_over_and_not_before(world: World, instance: str) -> None:
    _keep(world, instance, "t-0")
    _bases(world).expire()
    assert _trees(world) == ["t-0"]
    with world.services.database.write() as connection:
        (base,) = table.list_all(connection)
        table.delete(connection, base)
        table.add(connection, "default", instance, replace(base, created_at=base.created_at - KEPT_FOR))
    _bases(world).expire()
    assert _trees(world) == []


def test_none_is_kept_where_room_is_short(world: World, instance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _keep(world, instance, "t-0")
    monkeypatch.setattr(former_states, "LEAST_FREE", 2.0)
    _keep(world, instance, "t-1")
    assert _trees(world) == ["t-0"]
    _bases(world).expire()
    assert _trees(world) == []


def test_a_tree_without_a_record_is_rubbish(world: World, instance: str) -> None:
    _keep(world, instance, "t-0")
    with world.services.database.write() as connection:
        (base,) = table.list_all(connection)
        table.delete(connection, base)
    _bases(world).discard_leftovers()
    assert _trees(world) == []


def test_a_record_without_its_tree_goes(world: World, instance: str) -> None:
    """A power cut may take a tree that was moved to its place a moment before."""
    _keep(world, instance, "t-0")
    _driver(world).drop_base("t-0")
    found = world.services.instances.get("default", instance).instance
    with _bases(world).usable(found, _driver(world), is_received=False) as usable:
        assert usable == {}
    _bases(world).discard_leftovers()
    with world.services.database.read() as connection:
        assert table.list_all(connection) == []


def test_they_go_with_the_instance(world: World, instance: str) -> None:
    _keep(world, instance, "t-0")
    world.finish(world.services.instances.delete(CALLER, instance))
    assert _trees(world) == []
