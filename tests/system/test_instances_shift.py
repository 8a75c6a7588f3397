"""Hosts without idmapped mounts: owners on the disk are shifted at the first start, and everything goes on to work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.errors import HoldfastError
from holdfast.model.instance_changes import InstanceChange
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from support.world import CALLER, POOLS, PlainRuntime, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with furnished_world(PlainRuntime) as world:
        yield world


def _rootfs(world: World, name: str) -> Path:
    instance = world.services.instances.get("default", name).instance
    return world.services.pools.driver(instance.pool).mount / "containers" / name / "rootfs"


@pytest.mark.parametrize("pool", POOLS)
def test_shifted_life(world: World, pool: str) -> None:
    base = world.runtime.default_idmap().host_base
    world.create("c1", pool)
    world.write("c1", "/root/before", "1")
    assert _rootfs(world, "c1").stat().st_uid == 0
    world.power("c1", "start")
    assert _rootfs(world, "c1").stat().st_uid == base
    assert world.run("c1", "stat", "-c", "%u", "/root/before") == (0, "0\n")
    assert "Hostid" in world.services.instances.get("default", "c1").instance.config["volatile.last_state.idmap"]
    world.power("c1", "stop")
    world.write("c1", "/root/after", "2")
    assert (_rootfs(world, "c1") / "root/after").stat().st_uid == base
    world.snapshot("c1", "one")
    world.finish(world.services.instances.create(CALLER, InstanceRequest(name="c2"), FromCopy(name="c1")))
    world.power("c2", "start")
    assert world.run("c2", "stat", "-c", "%u", "/root/after") == (0, "0\n")
    world.clear()
    assert world.left_over() == []


def test_shifting_can_be_refused(world: World) -> None:
    world.create("c1", "d")
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"security.protection.shift": "true"}))
    with pytest.raises(HoldfastError, match="protected against filesystem shifting"):
        world.power("c1", "start")
    assert _rootfs(world, "c1").stat().st_uid == 0
    world.clear()
