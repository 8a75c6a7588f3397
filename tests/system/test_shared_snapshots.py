"""What snapshots have in common is there once, whichever way they came into a pool whose clones cost nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from holdfast.model.backup import BackupOwner
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume
from holdfast.service.backups import BackupRequest
from holdfast.service.instance_requests import FromCopy, InstanceRequest, MoveRequest
from holdfast.service.volume_requests import VolumeMove, VolumeRequest, VolumeSource
from holdfast.storage.driver import Driver
from holdfast.streams.growing import ArrivingFile
from support.trees import Entry, describe, differences
from support.world import CALLER, World, furnished_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox", "filefrag")]
MIB = 1 << 20
INSTANCE = Volume(type=VolumeType.CONTAINER, project="default", name="copy")
VOLUME = replace(INSTANCE, type=VolumeType.CUSTOM)
SNAPSHOTS = ("one", "two")
TREES = (*SNAPSHOTS, None)


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World) -> Iterator[World]:
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def change(top: Path, step: int) -> None:
    """Leave one large file alone, change a little of another, and some small things."""
    for name in ("same", "changing"):
        path = top / name
        if not path.exists():
            path.write_bytes(os.urandom(2 * MIB))
    with (top / "changing").open("r+b") as file:
        file.seek(step * 300_000)
        file.write(os.urandom(1000))
    (top / f"of step {step}").symlink_to("same")
    (top / f"of step {step - 1}").unlink(missing_ok=True)


def make_instance(world: World, name: str) -> None:
    world.create(name, "d")
    top = world.services.pools.driver("d").path(replace(INSTANCE, name=name)) / "rootfs/root"
    for step, snapshot in enumerate(TREES):
        change(top, step)
        if snapshot is not None:
            world.snapshot(name, snapshot)


def make_volume(world: World, name: str) -> None:
    world.volume(name, "d")
    for step, snapshot in enumerate(TREES):
        change(world.volume_path(name, "d"), step)
        if snapshot is not None:
            world.volume_snapshot(name, "d", snapshot)


def trees(driver: Driver, volume: Volume) -> list[dict[str, Entry]]:
    """Return the content of the snapshots and the volume; an instance's own document isn't content."""
    rootfs = "rootfs" if volume.type is VolumeType.CONTAINER else ""
    return [describe(driver.path(volume, snapshot) / rootfs) for snapshot in TREES]


def extents(path: Path) -> list[tuple[int, int]]:
    """Return where the file is on the disk: each block's number, and how many there are from there on."""
    listed = subprocess.run(["filefrag", "-s", "-v", "-b4096", str(path)], check=True, capture_output=True, text=True)
    found = re.findall(r"^ *\d+: *\d+\.\. *\d+: *(\d+)\.\. *\d+: *(\d+):", listed.stdout, re.MULTILINE)
    assert found, listed.stdout
    return [(int(first), int(count)) for first, count in found]


def blocks(path: Path) -> set[int]:
    return {first + each for first, count in extents(path) for each in range(count)}


def assert_shared(driver: Driver, volume: Volume) -> None:
    """Each tree has what is unchanged where the one before it has it."""
    inside = "rootfs/root" if volume.type is VolumeType.CONTAINER else ""
    places = [driver.path(volume, snapshot) / inside for snapshot in TREES]
    os.sync()
    for before, after in pairwise(places):
        assert blocks(before / "same") == blocks(after / "same")
        assert len(blocks(after / "changing") - blocks(before / "changing")) * 4096 <= 128 * 1024
    assert driver.is_difference_to(volume, "two", "one")
    assert driver.is_difference_to(volume, None, "two")


def copy_instance(world: World) -> None:
    request = InstanceRequest(name="copy", devices={"root": {"type": "disk", "path": "/", "pool": "b"}})
    world.finish(world.services.instances.create(CALLER, request, FromCopy(name="origin")))


def move_instance(world: World) -> None:
    world.finish(world.services.copies.move(CALLER, "origin", MoveRequest(name="copy", pool="b")))


def exported(world: World, origin: BackupOwner) -> ArrivingFile:
    """Export what is not optimized, to be imported."""
    world.finish(world.services.backups.create(CALLER, origin, BackupRequest(name="b", compression="none")))
    spool = world.services.paths.incoming / "upload"
    shutil.copy(world.services.backups.path(origin, "b"), spool)
    return ArrivingFile(spool)


def import_instance(world: World) -> None:
    file = exported(world, owner("origin"))
    world.finish(world.services.imports.restore_file(CALLER, file, "copy", pool="b"))


def import_volume(world: World) -> None:
    file = exported(world, BackupOwner(project="default", name="origin", pool="d"))
    world.finish(world.services.volumes.imports.restore_file(CALLER, file, "b", "copy"))


def copy_volume(world: World) -> None:
    source = VolumeSource(pool="d", name="origin")
    world.finish(world.services.volumes.copies.copy(CALLER, "b", VolumeRequest(name="copy"), source))


def move_volume(world: World) -> None:
    world.finish(world.services.volumes.mover.move(CALLER, "d", "origin", VolumeMove(name="copy", pool="b")))


@pytest.mark.parametrize(
    ("make", "way", "address"),
    [
        *((make_instance, way, INSTANCE) for way in (copy_instance, move_instance, import_instance)),
        *((make_volume, way, VOLUME) for way in (copy_volume, move_volume, import_volume)),
    ],
)
def test_snapshots_share_what_they_have_in_common(
    world: World, make: Callable[[World, str], None], way: Callable[[World], None], address: Volume
) -> None:
    make(world, "origin")
    wanted = trees(world.services.pools.driver("d"), replace(address, name="origin"))
    way(world)
    driver = world.services.pools.driver("b")
    for before, after in zip(wanted, trees(driver, address), strict=True):
        assert differences(before, after) == []
    assert_shared(driver, address)


def refresh(world: World) -> None:
    request = InstanceRequest(name="copy")
    world.finish(world.services.instances.create(CALLER, request, FromCopy(name="origin", refresh=True)))


def refresh_volume(world: World) -> None:
    source = VolumeSource(pool="d", name="origin", refresh=True)
    world.finish(world.services.volumes.copies.copy(CALLER, "b", VolumeRequest(name="copy"), source))


def test_a_refresh_in_another_pool_changes_what_differs(world: World) -> None:
    make_instance(world, "origin")
    copy_instance(world)
    driver, origin = world.services.pools.driver("b"), replace(INSTANCE, name="origin")
    there = world.services.pools.driver("d").path(origin)
    before = driver.identity(driver.path(INSTANCE))
    refresh(world)
    assert driver.identity(driver.path(INSTANCE)) == before
    with (there / "rootfs/root/changing").open("r+b") as file:
        file.write(b"changed")
    world.snapshot("origin", "three")
    (there / "rootfs/root/new").write_text("new")
    refresh(world)
    assert world.snapshots("copy") == ["one", "two", "three"]
    assert differences(describe(there / "rootfs"), describe(driver.path(INSTANCE) / "rootfs")) == []
    assert not (driver.path(INSTANCE, "three") / "rootfs/root/new").exists()
    places = [driver.path(INSTANCE, snapshot) / "rootfs/root" for snapshot in ("two", "three", None)]
    os.sync()
    for earlier, later in pairwise(places):
        assert blocks(earlier / "same") == blocks(later / "same")
    assert len(blocks(places[1] / "changing") - blocks(places[0] / "changing")) * 4096 <= 128 * 1024
    assert driver.is_difference_to(INSTANCE, "three", "two")


def test_a_refresh_of_a_volume_that_is_as_it_was_changes_nothing(world: World) -> None:
    make_volume(world, "origin")
    copy_volume(world)
    driver = world.services.pools.driver("b")
    before = driver.identity(driver.path(VOLUME))
    refresh_volume(world)
    assert driver.identity(driver.path(VOLUME)) == before
    (world.volume_path("origin", "d") / "new").write_text("new")
    refresh_volume(world)
    assert driver.identity(driver.path(VOLUME)) != before
    assert differences(describe(world.volume_path("origin", "d")), describe(driver.path(VOLUME))) == []
