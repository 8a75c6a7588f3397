"""Held snapshots of custom volumes stay, whatever is asked: deletion, expiry, refresh, deletion of the volume."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.service.pool_usage import VolumeView
from holdfast.service.volume_requests import VolumeMove, VolumeRequest, VolumeSource
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as made:
        yield made


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def held(the_world: World, pool: str) -> Iterator[World]:
    """A volume `v1` with a held snapshot `kept` and a free one."""
    the_world.volume("v1", pool)
    for name in ("kept", "free"):
        the_world.volume_snapshot("v1", pool, name)
    hold(the_world, pool, "v1/kept")
    yield the_world
    for view in the_world.services.pools.volumes(pool, "default"):
        if view.is_held:
            hold(the_world, pool, f"{view.volume.name}/{view.snapshot}", is_held=False)
    the_world.clear()
    assert the_world.left_over() == []


def hold(world: World, pool: str, snapshot: str, *, is_held: bool = True, expires: datetime | None = None) -> None:
    volume, _, name = snapshot.partition("/")
    world.services.volumes.snapshots.update(CALLER, pool, volume, name, is_held=is_held, expires=expires)


def view(world: World, pool: str, snapshot: str) -> VolumeView:
    volume, _, name = snapshot.partition("/")
    return world.services.volumes.snapshots.get("default", pool, volume, name)


def copy(world: World, pool: str, *, refresh: bool = False, volume_only: bool = False) -> None:
    source = VolumeSource(pool=pool, name="v1", refresh=refresh, volume_only=volume_only)
    world.finish(world.services.volumes.copies.copy(CALLER, pool, VolumeRequest(name="v2"), source))


def test_nobody_deletes_it(held: World, pool: str) -> None:
    remedy = f"`holdfast storage volume release {pool} v1/kept`"
    with pytest.raises(BadRequestError, match=remedy):
        held.services.volumes.snapshots.delete(CALLER, pool, "v1", "kept")
    with pytest.raises(BadRequestError, match=remedy):
        held.services.volumes.volumes.delete(CALLER, pool, "v1")
    assert held.volume_snapshots("v1", pool) == ["kept", "free"]
    assert held.left_over() == []
    hold(held, pool, "v1/kept", is_held=False)
    held.finish(held.services.volumes.snapshots.delete(CALLER, pool, "v1", "kept"))
    held.services.volumes.volumes.delete(CALLER, pool, "v1")


def test_other_changes_leave_it_held(held: World, pool: str) -> None:
    held.services.volumes.snapshots.update(CALLER, pool, "v1", "kept", description="why")
    held.finish(held.services.volumes.snapshots.rename(CALLER, pool, "v1", "kept", "kept2"))
    held.services.volumes.renamer.rename(CALLER, pool, "v1", "v3")
    other = "d" if pool == "b" else "b"
    held.finish(held.services.volumes.mover.move(CALLER, pool, "v3", VolumeMove(pool=other)))
    assert (view(held, other, "v3/kept2").is_held, view(held, other, "v3/free").is_held) == (True, False)
    hold(held, other, "v3/kept2", is_held=False)


def test_its_time_is_over_with_its_release_here_and_in_copies(held: World, pool: str) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    for name, is_held in (("kept", True), ("free", False)):
        hold(held, pool, f"v1/{name}", is_held=is_held, expires=past)
    copy(held, pool, volume_only=True)
    copy(held, pool, refresh=True)
    held.tick()
    for volume in ("v1", "v2"):
        assert held.volume_snapshots(volume, pool) == ["kept"]
        hold(held, pool, f"{volume}/kept", is_held=False)
    held.tick()
    assert held.volume_snapshots("v1", pool) == held.volume_snapshots("v2", pool) == []


def test_a_refresh_does_not_take_it(held: World, pool: str) -> None:
    copy(held, pool)
    hold(held, pool, "v2/kept", is_held=False)
    hold(held, pool, "v2/free")
    snapshots = held.services.volumes.snapshots
    held.finish(snapshots.delete(CALLER, pool, "v1", "free"))
    copy(held, pool, refresh=True)
    assert held.volume_snapshots("v2", pool) == ["kept", "free"]
    (held.volume_path("v1", pool) / "new").touch()
    held.volume_snapshot("v1", pool, "free")
    with pytest.raises(HoldfastError, match=f"`holdfast storage volume release {pool} v2/free`"):
        copy(held, pool, refresh=True)
    assert not (held.volume_path("v2", pool) / "new").exists()
    assert held.left_over() == []
    hold(held, pool, "v2/free", is_held=False)
    copy(held, pool, refresh=True)
    assert (held.volume_path("v2", pool, "free") / "new").exists()
    assert view(held, pool, "v2/free").created_at == view(held, pool, "v1/free").created_at
