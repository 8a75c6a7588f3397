"""The life of instances through the services, on both kinds of pools, with real containers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import HoldfastError
from holdfast.service.instance_requests import FromCopy, FromNothing, InstanceRequest
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World) -> Iterator[World]:
    the_world.events.clear()
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


@pytest.mark.parametrize("pool", POOLS)
def test_whole_life(world: World, pool: str) -> None:
    world.create("c1", pool, start=True)
    assert world.run("c1", "hostname") == (0, "c1\n")
    world.write("c1", "/root/data", "old")
    world.snapshot("c1", "one")
    world.write("c1", "/root/data", "new")
    world.finish(world.services.restore.restore(CALLER, "c1", "one"))
    assert world.run("c1", "cat", "/root/data") == (0, "old")
    world.power("c1", "stop")
    assert world.services.instances.get("default", "c1").status.text == "Stopped"
    world.finish(world.services.instances.rename(CALLER, "c1", "c2"))
    assert world.snapshots("c2") == ["one"]
    world.finish(world.services.instances.create(CALLER, InstanceRequest(name="c3"), FromCopy(name="c2")))
    assert world.snapshots("c3") == ["one"]
    assert world.read("c3", "/root/data") == "old"
    world.finish(world.services.instances.delete(CALLER, "c2"))
    assert world.names() == {"c3"}
    world.power("c3", "start")
    assert world.run("c3", "cat", "/root/data") == (0, "old")


def test_empty_instance_on_the_only_pool_with_a_root_disk_of_the_profile(world: World) -> None:
    with pytest.raises(HoldfastError, match="No root device could be found"):
        world.finish(world.services.instances.create(CALLER, InstanceRequest(name="c1"), FromNothing()))
