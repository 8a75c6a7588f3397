"""Copies, refreshes and moves between pools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import HoldfastError, InstanceNotFoundError, NotFoundError
from holdfast.model.instance_changes import InstanceChange
from holdfast.service.backups import BackupRequest
from holdfast.service.caller import Caller
from holdfast.service.instance_requests import FromCopy, InstanceRequest, MoveRequest, SnapshotChange
from support.world import CALLER, POOLS, World, furnished_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
OTHER = {"d": "b", "b": "d"}


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


def _copy(world: World, request: InstanceRequest, source: FromCopy) -> None:
    world.finish(world.services.instances.create(CALLER, request, source))


def _root(pool: str) -> dict[str, dict[str, str]]:
    return {"root": {"type": "disk", "path": "/", "pool": pool}}


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
@pytest.mark.parametrize("target", POOLS)
@pytest.mark.parametrize("pool", POOLS)
def test_copy_within_and_across_pools(world: World, pool: str, target: str, *, running: bool) -> None:
    world.create("c1", pool, start=running)
    world.write("c1", "/root/data", "old")
    world.snapshot("c1", "one")
    world.write("c1", "/root/data", "new")
    _copy(world, InstanceRequest(name="c2", devices=_root(target)), FromCopy(name="c1"))
    source, copy = (world.services.instances.get("default", name).instance for name in ("c1", "c2"))
    assert copy.pool == target
    assert copy.config["volatile.uuid"] != source.config["volatile.uuid"]
    assert copy.config["volatile.base_image"] == source.config["volatile.base_image"]
    assert "volatile.last_state.power" not in copy.config
    snapshots = [world.services.snapshots.list("default", name)[0].snapshot for name in ("c1", "c2")]
    assert snapshots[0].created_at == snapshots[1].created_at
    assert snapshots[1].devices["root"]["pool"] == target
    assert world.read("c2", "/root/data") == "new"
    world.finish(world.services.restore.restore(CALLER, "c2", "one"))
    assert world.read("c2", "/root/data") == "old"
    if running:
        assert world.run("c1", "cat", "/root/data") == (0, "new")
        assert world.services.instances.get("default", "c1").status.text == "Running"


def test_copy_of_one_snapshot_and_without_snapshots(world: World) -> None:
    world.create("c1", "b")
    world.write("c1", "/root/data", "old")
    world.snapshot("c1", "one")
    world.write("c1", "/root/data", "new")
    _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1", snapshot="one"))
    _copy(world, InstanceRequest(name="c3"), FromCopy(name="c1", instance_only=True))
    assert (world.read("c2", "/root/data"), world.snapshots("c2")) == ("old", [])
    assert (world.read("c3", "/root/data"), world.snapshots("c3")) == ("new", [])


def test_what_can_not_be_copied(world: World) -> None:
    world.create("c1", "d")
    world.create("c2", "d")
    with pytest.raises(InstanceNotFoundError):
        world.services.instances.create(CALLER, InstanceRequest(name="x"), FromCopy(name="nosuch"))
    with pytest.raises(NotFoundError, match="Snapshot c1/nosuch does not exist"):
        world.services.instances.create(CALLER, InstanceRequest(name="x"), FromCopy(name="c1", snapshot="nosuch"))
    with pytest.raises(HoldfastError, match='This "instances" entry already exists'):
        _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1"))


@pytest.mark.parametrize("pool", POOLS)
def test_refresh_brings_differences_only_and_can_be_repeated(world: World, pool: str) -> None:
    world.create("c1", pool)
    world.snapshot("c1", "same")
    world.snapshot("c1", "gone")
    _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1"))
    driver = world.services.pools.driver(pool)
    kept = driver.identity(driver.mount / "containers-snapshots/c2/same")
    world.finish(world.services.snapshots.delete(CALLER, "c1", "gone"))
    world.write("c1", "/root/data", "latest")
    world.snapshot("c1", "fresh")
    for _ in range(2):
        _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1", refresh=True))
        assert world.snapshots("c2") == ["same", "fresh"]
        assert world.read("c2", "/root/data") == "latest"
        assert driver.identity(driver.mount / "containers-snapshots/c2/same") == kept
    world.power("c2", "start")
    with pytest.raises(HoldfastError, match="Cannot refresh a running instance"):
        _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1", refresh=True))


@pytest.mark.parametrize("pool", POOLS)
def test_a_refresh_can_keep_what_only_the_copy_has(world: World, pool: str) -> None:
    """What stays is as it was; one in whose place another would come is refused before anything is changed."""
    world.create("c1", pool)
    for name in ("gone", "again"):
        world.write("c1", "/root/data", name)
        world.snapshot("c1", name)
    _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1"))
    world.snapshot("c2", "own")
    world.finish(world.services.snapshots.delete(CALLER, "c1", "gone"))
    world.write("c1", "/root/data", "latest")
    world.snapshot("c1", "fresh")
    refresh = FromCopy(name="c1", refresh=True, keep_snapshots=True)
    for _ in range(2):
        _copy(world, InstanceRequest(name="c2"), refresh)
        assert world.snapshots("c2") == ["gone", "again", "own", "fresh"]
        assert world.read("c2", "/root/data") == "latest"
    world.finish(world.services.snapshots.delete(CALLER, "c1", "again"))
    world.write("c1", "/root/data", "later")
    world.snapshot("c1", "again")
    with pytest.raises(HoldfastError, match="`holdfast rename c2/again c2/again-own`"):
        _copy(world, InstanceRequest(name="c2"), refresh)
    assert world.read("c2", "/root/data") == "latest"
    world.finish(world.services.snapshots.rename(CALLER, "c2", "again", "again-own"))
    _copy(world, InstanceRequest(name="c2"), refresh)
    assert world.snapshots("c2") == ["gone", "again-own", "own", "fresh", "again"]
    for name in ("gone", "again-own"):
        world.finish(world.services.restore.restore(CALLER, "c2", name))
        assert world.read("c2", "/root/data") == name.removesuffix("-own")


def test_a_copy_is_not_refreshed_from_a_snapshot(world: World) -> None:
    world.create("c1", "b")
    world.snapshot("c1", "one")
    with pytest.raises(HoldfastError, match="can't be refreshed from a snapshot"):
        _copy(world, InstanceRequest(name="c2"), FromCopy(name="c1", snapshot="one", refresh=True))


@pytest.mark.parametrize("pool", POOLS)
def test_move_to_another_pool_and_name(world: World, pool: str) -> None:
    world.create("c1", pool)
    world.write("c1", "/root/data", "old")
    world.snapshot("c1", "one")
    world.write("c1", "/root/data", "new")
    world.finish(world.services.copies.move(CALLER, "c1", MoveRequest(name="c2", pool=OTHER[pool])))
    assert world.services.instances.get("default", "c2").instance.pool == OTHER[pool]
    assert world.snapshots("c2") == ["one"]
    assert world.read("c2", "/root/data") == "new"
    world.finish(world.services.restore.restore(CALLER, "c2", "one"))
    assert world.read("c2", "/root/data") == "old"


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("kind", ["pool", "same pool", "project"])
def test_move_without_snapshots(world: World, pool: str, kind: str) -> None:
    """As LXD does it, in the same pool, too; not while one is held."""
    features = {"features.images": "false", "features.profiles": "false"}
    world.services.projects.create(CALLER, "blue", "", features)
    request = {
        "pool": MoveRequest(pool=OTHER[pool], instance_only=True),
        "same pool": MoveRequest(pool=pool, instance_only=True),
        "project": MoveRequest(project="blue", instance_only=True),
    }[kind]
    caller = Caller("blue") if kind == "project" else CALLER
    try:
        world.create("c1", pool)
        for name in ("one", "two"):
            world.snapshot("c1", name)
        world.write("c1", "/root/data", "new")
        world.finish(world.services.snapshots.update(CALLER, "c1", "two", SnapshotChange(is_held=True)))
        with pytest.raises(HoldfastError, match="Snapshot c1/two is held: release first"):
            world.finish(world.services.copies.move(CALLER, "c1", request))
        assert world.snapshots("c1") == ["one", "two"]
        world.finish(world.services.snapshots.update(CALLER, "c1", "two", SnapshotChange(is_held=False)))
        world.finish(world.services.copies.move(CALLER, "c1", request))
        made = world.services.instances.get(caller.project, "c1").instance
        assert made.pool == (OTHER[pool] if kind == "pool" else pool)
        assert list(world.services.snapshots.list(caller.project, "c1")) == []
        assert world.actions().count("instance-snapshot-deleted") == 2
        if kind != "project":
            assert world.left_over() == []
            assert world.read("c1", "/root/data") == "new"
        folder = world.services.pools.driver(made.pool).mount / "containers-snapshots"
        assert list(folder.glob("*/*")) == []
    finally:
        if kind == "project":
            world.finish(world.services.instances.delete(caller, "c1"))
        world.services.projects.delete(CALLER, "blue")


def test_moves_that_are_not_served_say_what_to_do(world: World) -> None:
    world.create("c1", "d")
    with pytest.raises(HoldfastError, match="export the instance here, import it there"):
        world.services.copies.move(CALLER, "c1", MoveRequest())
    world.power("c1", "start")
    with pytest.raises(HoldfastError, match="stop it first"):
        world.finish(world.services.copies.move(CALLER, "c1", MoveRequest(pool="b")))


def test_a_snapshot_whose_profile_is_gone(world: World) -> None:
    """What can't be exported or copied without it names it, and what to do."""
    world.create("c1", "d")
    world.services.profiles.create(CALLER, "extra", "", {}, {})
    change = InstanceChange(profiles=("default", "extra"))
    world.finish(world.services.instances.update(CALLER, "c1", change))
    world.snapshot("c1", "a")
    world.finish(world.services.instances.update(CALLER, "c1", InstanceChange(profiles=("default",))))
    world.services.profiles.delete(CALLER, "extra")
    with pytest.raises(HoldfastError, match='Snapshot c1/a needs the profile "extra", which is gone: make one of this'):
        world.finish(world.services.backups.create(CALLER, owner("c1"), BackupRequest(name="b", snapshot="a")))
    with pytest.raises(HoldfastError, match=r'A copy of c1/a needs the profile "extra".*--no-profiles'):
        _copy(world, InstanceRequest(name="c2", devices=_root("d")), FromCopy(name="c1", snapshot="a"))
    with pytest.raises(HoldfastError, match=r'Snapshot a needs the profile "extra".*then try again'):
        _copy(world, InstanceRequest(name="c2", devices=_root("d")), FromCopy(name="c1"))
    with pytest.raises(HoldfastError, match='Requested profile "typo" doesn'):
        _copy(world, InstanceRequest(name="c2", devices=_root("d"), profiles=("typo",)), FromCopy(name="c1"))
    _copy(world, InstanceRequest(name="c2", devices=_root("d"), profiles=()), FromCopy(name="c1", snapshot="a"))
