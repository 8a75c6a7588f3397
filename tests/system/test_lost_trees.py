"""A tree that is gone while its snapshots are good: the content of one takes the empty place, and nothing is wedged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from holdfast.host import subvolumes
from holdfast.model.errors import HoldfastError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode, VolumeType
from holdfast.model.storage import Volume
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from holdfast.storage.generic import TreeDriver
from support.world import CALLER, POOLS, PlainRuntime, World, furnished_world

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    with furnished_world(PlainRuntime) as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    yield shared_world
    shared_world.clear()


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest, world: World) -> str:
    """Make `c1` with a snapshot, and lose its tree."""
    name = str(request.param)
    world.create("c1", name)
    world.write("c1", "/root/data", "precious")
    world.snapshot("c1", "s0")
    lose(world, name, Volume(type=VolumeType.CONTAINER, project="default", name="c1"))
    return name


def lose(world: World, pool: str, volume: Volume) -> None:
    path = world.services.pools.driver(pool).path(volume)
    if subvolumes.is_subvolume(path):
        subvolumes.delete_all(path)
    else:
        shutil.rmtree(path)


def is_right(world: World) -> bool:
    """Tell whether the instance runs with what its snapshot has."""
    world.power("c1", "start")
    is_running = world.services.instances.get("default", "c1").status is StatusCode.RUNNING
    world.power("c1", "stop")
    return is_running and world.read("c1", "/root/data") == "precious" and world.left_over() == []


@pytest.mark.parametrize("undo", ["1d", "off"])
def test_restore_fills_the_empty_place(world: World, pool: str, undo: str) -> None:
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"snapshots.undo": undo}))
    with pytest.raises(HoldfastError):
        world.power("c1", "start")
    assert world.services.intents.list_open() == []
    world.finish(world.services.restore.restore(CALLER, "c1", "s0"))
    assert is_right(world)


def test_a_restore_that_fails_wedges_nothing(world: World, pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise HoldfastError("it failed")

    with monkeypatch.context() as patch:
        patch.setattr(TreeDriver, "publish", fail)
        with pytest.raises(HoldfastError, match="it failed"):
            world.finish(world.services.restore.restore(CALLER, "c1", "s0"))
    assert world.services.intents.list_open() == []
    world.finish(world.services.instances.rename(CALLER, "c1", "c2"))
    world.finish(world.services.instances.delete(CALLER, "c2"))
    assert world.left_over() == []


def test_an_older_intent_that_was_left_is_ended(world: World, pool: str) -> None:
    """What a former version left of a restore, and of a start, stands in the way of nothing."""
    for kind, more in (("restore", {"snapshot": "s0", "keep_until": None}), ("instance-shift", {"map": "[]"})):
        facts = {"project": "default", "instance": "c1", "staged": "gone", **more}
        world.services.intents.open(kind, facts)
    world.finish(world.services.restore.restore(CALLER, "c1", "s0"))
    assert is_right(world)


def test_a_refresh_fills_the_empty_place(world: World, pool: str) -> None:
    copy = FromCopy(name="c1", snapshot="s0")
    world.finish(world.services.instances.create(CALLER, InstanceRequest(name="source"), copy))
    refresh = FromCopy(name="source", refresh=True)
    world.finish(world.services.instances.create(CALLER, InstanceRequest(name="c1"), refresh))
    assert is_right(world)


@pytest.mark.parametrize("pool_name", POOLS)
def test_restore_of_a_volume_fills_the_empty_place(world: World, pool_name: str) -> None:
    volume = world.volume("v1", pool_name)
    (world.volume_path("v1", pool_name) / "data").write_text("precious")
    world.volume_snapshot("v1", pool_name, "s0")
    lose(world, pool_name, volume.address)
    world.services.volumes.restorer.restore(CALLER, pool_name, "v1", "s0")
    assert (world.volume_path("v1", pool_name) / "data").read_text() == "precious"
    assert world.left_over() == []
