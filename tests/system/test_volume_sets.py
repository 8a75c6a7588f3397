"""Snapshots and restores of instances together with their volumes: of one moment, all or none, across pools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.model.kinds import StatusCode, VolumeType
from holdfast.service.instance_requests import FromCopy, InstanceRequest, SnapshotChange
from support.waiting import await_true
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture(params=POOLS)
def world(request: pytest.FixtureRequest, the_world: World) -> Iterator[World]:
    """A container `c1` in the pool, with `v1` of pool d at /one and `v2` of pool b at /two."""
    the_world.create("c1", request.param)
    for volume, pool, path in (("v1", "d", "/one"), ("v2", "b", "/two")):
        the_world.volume(volume, pool)
        the_world.attach("c1", pool, volume, path)
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def _write(world: World, text: str) -> None:
    for path in ("/root/x", "/one/x", "/two/x"):
        assert world.run("c1", "sh", "-c", f"echo {text} > {path}") == (0, "")


def _read(world: World) -> str:
    return world.run("c1", "cat", "/root/x", "/one/x", "/two/x")[1].replace("\n", " ").strip()


def _snapshot(world: World, name: str) -> None:
    world.finish(world.services.volumes.sets.snapshot(CALLER, "c1", name))


def _restore(world: World, name: str) -> None:
    world.finish(world.services.volumes.set_restorer.restore(CALLER, "c1", name))


def test_all_goes_back_together(world: World) -> None:
    world.power("c1", "start")
    _write(world, "old")
    _snapshot(world, "one")
    assert world.runtime.status("c1") is StatusCode.RUNNING
    assert world.volume_snapshots("v1", "d") == world.volume_snapshots("v2", "b") == ["one"]
    _write(world, "new")
    _restore(world, "one")
    assert _read(world) == "old old old"
    config = world.services.instances.get("default", "c1").instance.config
    assert "volatile.attached_volumes" not in config
    assert "volatile.attached_volumes" in world.services.snapshots.get("default", "c1", "one").snapshot.config


def test_a_stopped_instance_stays_stopped(world: World) -> None:
    _snapshot(world, "one")
    (world.volume_path("v1", "d") / "x").write_text("new")
    _restore(world, "one")
    assert not (world.volume_path("v1", "d") / "x").exists()
    assert world.runtime.status("c1") is StatusCode.STOPPED


def test_writes_are_of_one_moment(world: World) -> None:
    """A loop writes one number after the other to root, one and two: no tree may be ahead by more than the one step."""
    world.power("c1", "start")
    loop = "i=0; while :; do i=$((i+1)); for d in /root /one /two; do echo $i > $d/new; mv $d/new $d/x; done; done"
    _write(world, "0")
    assert world.run("c1", "sh", "-c", f"(trap '' HUP; {loop}) <&- >/tmp/log 2>&1 &") == (0, "")
    await_true(lambda: (world.volume_path("v2", "b") / "x").read_text() != "0\n", "the loop")
    for name in ("s1", "s2", "s3"):
        _snapshot(world, name)
    world.power("c1", "stop")
    for name in ("s1", "s2", "s3"):
        _restore(world, name)
        root = world.read("c1", "/root/x")
        first, second = ((world.volume_path(*each) / "x") for each in (("v1", "d"), ("v2", "b")))
        numbers = [int(root or 0), int(first.read_text()), int(second.read_text())]
        assert numbers == sorted(numbers, reverse=True), numbers
        assert 0 < numbers[2] <= numbers[0] <= numbers[2] + 1, numbers


def test_what_others_use_is_left_out(world: World) -> None:
    world.create("c2", "d")
    world.attach("c2", "b", "v2", "/two")
    _snapshot(world, "one")
    assert (world.volume_snapshots("v1", "d"), world.volume_snapshots("v2", "b")) == (["one"], [])
    world.attach("c2", "d", "v1", "/one")
    with pytest.raises(HoldfastError, match='Volume "v1" is used by c2, too'):
        _restore(world, "one")


def test_a_set_that_is_no_longer_whole_is_refused(world: World) -> None:
    _snapshot(world, "one")
    world.finish(world.services.volumes.snapshots.delete(CALLER, "d", "v1", "one"))
    (world.volume_path("v2", "b") / "x").write_text("kept")
    with pytest.raises(HoldfastError, match='snapshot of volume "v1" that is gone'):
        _restore(world, "one")
    assert (world.volume_path("v2", "b") / "x").read_text() == "kept"
    world.finish(world.services.restore.restore(CALLER, "c1", "one"))


def test_a_volume_that_is_gone_is_named_as_it_was_called(world: World) -> None:
    """By the devices in the snapshot's record; one that was renamed can't be told from it there."""
    _snapshot(world, "one")
    for name in ("v1", "v2"):
        world.detach("c1", name)
    world.services.volumes.volumes.delete(CALLER, "d", "v1")
    with pytest.raises(HoldfastError, match='with a volume "v1" of pool "d" that is gone: restore the root disk alone'):
        _restore(world, "one")
    world.services.volumes.renamer.rename(CALLER, "b", "v2", "v9")
    with pytest.raises(HoldfastError, match='a volume, one of "v2" of pool "b", "v1" of pool "d", that is gone'):
        _restore(world, "one")


def test_a_name_that_a_volume_has_already_gets_a_number(world: World) -> None:
    world.volume_snapshot("v1", "d", "one")
    _snapshot(world, "one")
    assert world.volume_snapshots("v1", "d") == ["one", "one-0"]
    _restore(world, "one")


def test_a_volume_can_be_renamed_in_between(world: World) -> None:
    tree = world.volume_path("v1", "d")
    (tree / "x").write_text("old")
    _snapshot(world, "one")
    (tree / "x").write_text("new")
    world.services.volumes.renamer.rename(CALLER, "d", "v1", "v9")
    with pytest.raises(HoldfastError, match="Storage volume not found"):  # the snapshot's devices know the old name
        _restore(world, "one")
    world.services.volumes.renamer.rename(CALLER, "d", "v9", "v1")
    _restore(world, "one")
    assert (world.volume_path("v1", "d") / "x").read_text() == "old"


def test_an_undo_of_an_earlier_restore_is_over(world: World) -> None:
    """It would bring the instance back alone, to volumes of another time."""
    _snapshot(world, "one")
    world.finish(world.services.restore.restore(CALLER, "c1", "one"))
    _restore(world, "one")
    with pytest.raises(HoldfastError, match=r"Nothing to undo.*a restore together with volumes keeps none"):
        world.services.restore.undo(CALLER, "c1")


def _hold(world: World, instance: str, snapshot: str, *, is_held: bool) -> None:
    change = SnapshotChange(is_held=is_held)
    world.finish(world.services.volumes.set_holds.update(CALLER, instance, snapshot, change))


def _held(world: World) -> list[str]:
    """Return the held snapshots of the volumes."""
    views = [*world.services.pools.volumes("d", "default"), *world.services.pools.volumes("b", "default")]
    custom = [each for each in views if each.volume.type is VolumeType.CUSTOM]
    return [f"{each.volume.name}/{each.snapshot}" for each in custom if each.is_held]


def test_a_hold_holds_all_of_it(world: World) -> None:
    _snapshot(world, "one")
    _snapshot(world, "two")
    _hold(world, "c1", "one", is_held=True)
    assert _held(world) == ["v1/one", "v2/one"]
    with pytest.raises(BadRequestError, match="`holdfast storage volume release d v1/one`"):
        world.services.volumes.snapshots.delete(CALLER, "d", "v1", "one")
    _restore(world, "one")
    assert _held(world) == ["v1/one", "v2/one"]
    _hold(world, "c1", "one", is_held=False)
    assert _held(world) == []


def test_a_release_of_a_copy_leaves_the_volumes_held(world: World) -> None:
    _snapshot(world, "one")
    _hold(world, "c1", "one", is_held=True)
    root = {"root": {"type": "disk", "path": "/", "pool": "d"}}
    request = InstanceRequest(name="c2", devices=root)
    world.finish(world.services.instances.create(CALLER, request, FromCopy(name="c1")))
    _hold(world, "c2", "one", is_held=False)
    assert _held(world) == ["v1/one", "v2/one"]
    assert world.services.snapshots.get("default", "c1", "one").snapshot.is_held
    assert not world.services.snapshots.get("default", "c2", "one").snapshot.is_held
    _hold(world, "c1", "one", is_held=False)
    assert _held(world) == []


def test_what_is_gone_of_a_set_does_not_forbid_a_release(world: World) -> None:
    _snapshot(world, "one")
    _hold(world, "c1", "one", is_held=True)
    world.services.volumes.snapshots.update(CALLER, "d", "v1", "one", is_held=False)
    world.finish(world.services.volumes.snapshots.delete(CALLER, "d", "v1", "one"))
    _hold(world, "c1", "one", is_held=False)
    assert _held(world) == []
