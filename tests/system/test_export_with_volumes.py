"""Instances in one file with the volumes that they show: of one moment, restored together, all or nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import pytest
from click import ClickException

from holdfast.cli import export_files
from holdfast.db import volumes as volumes_table
from holdfast.model.errors import HoldfastError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode
from holdfast.model.volume import CustomVolume
from holdfast.service.backups import BackupRequest
from holdfast.service.caller import Caller
from holdfast.streams.growing import ArrivingFile
from support.trees import describe, differences, make_rich_tree
from support.waiting import await_true
from support.wishes import ExportWishes, ImportWishes
from support.world import CALLER, POOLS, World, furnished_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox", "setfacl")]
MARK = b"a mark that is nowhere else"


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture(params=POOLS)
def world(request: pytest.FixtureRequest, the_world: World) -> Iterator[World]:
    """A container `c1` in the pool, `v1` of pool d at /one and `v2` of pool b at /two; all with a snapshot `set`."""
    the_world.create("c1", request.param)
    for volume, pool, path in (("v1", "d", "/one"), ("v2", "b", "/two")):
        the_world.volume(volume, pool, user_mark=volume)
        the_world.attach("c1", pool, volume, path)
        make_rich_tree(the_world.volume_path(volume, pool))
    the_world.finish(the_world.services.volumes.sets.snapshot(CALLER, "c1", "set"))
    for volume, pool in (("v1", "d"), ("v2", "b")):
        (the_world.volume_path(volume, pool) / "later").write_text(volume)
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def export(world: World, target: Path, name: str = "c1", **wanted: Unpack[ExportWishes]) -> Path:
    request = replace(BackupRequest(name="b", **wanted), with_volumes=True)
    world.finish(world.services.backups.create(CALLER, owner(name), request))
    shutil.copy(world.services.backups.path(owner(name), "b"), target)
    world.finish(world.services.backups.delete(CALLER, owner(name), "b"))
    return target


def bring(
    world: World, file: Path, name: str | None = None, caller: Caller = CALLER, **options: Unpack[ImportWishes]
) -> None:
    spool = world.services.paths.incoming / f"upload-{os.urandom(4).hex()}"
    shutil.copy(file, spool)
    try:
        operation = world.services.imports.restore_file(caller, ArrivingFile(spool), name, **options)
        world.finish(operation)
    finally:
        assert not spool.exists()


def trees(world: World) -> dict[str, dict[str, object]]:
    """Describe every tree of the volumes."""
    places = (("v1", "d", None), ("v1", "d", "set"), ("v2", "b", None), ("v2", "b", "set"))
    return {f"{name} {snapshot}": describe(world.volume_path(name, pool, snapshot)) for name, pool, snapshot in places}


def remove_all(world: World) -> None:
    world.finish(world.services.instances.delete(CALLER, "c1"))
    for name, pool in (("v1", "d"), ("v2", "b")):
        world.services.volumes.volumes.delete(CALLER, pool, name)


def record(world: World, name: str, pool: str = "d", project: str = "default") -> CustomVolume:
    with world.services.database.read() as connection:
        found = volumes_table.get(connection, pool, project, name)
    assert found is not None
    return found


def devices(world: World, name: str = "c1") -> dict[str, tuple[str, str]]:
    found = world.services.instances.get("default", name).instance.devices
    return {key: (device["pool"], device["source"]) for key, device in found.items() if "source" in device}


@pytest.mark.parametrize("optimized_storage", [False, True])
def test_all_of_it_comes_back(world: World, tmp_path: Path, optimized_storage: bool) -> None:
    before = trees(world)
    kept = record(world, "v1")
    file = export(world, tmp_path / "file", optimized_storage=optimized_storage)
    remove_all(world)
    bring(world, file)
    after = trees(world)
    for name, tree in before.items():
        assert differences(tree, after[name]) == [], name
    made = record(world, "v1")
    assert made.config["user.mark"] == "v1"
    assert made.config["volatile.uuid"] != kept.config["volatile.uuid"]
    assert devices(world) == {"v1": ("d", "v1"), "v2": ("b", "v2")}
    world.power("c1", "start")
    assert world.run("c1", "cat", "/one/later", "/two/later") == (0, "v1v2")
    assert {"storage-volume-created", "storage-volume-snapshot-created"} <= set(world.actions())


def test_the_snapshot_of_all_goes_back_with_its_volumes(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file")
    remove_all(world)
    bring(world, file)
    world.finish(world.services.volumes.set_restorer.restore(CALLER, "c1", "set"))
    assert not (world.volume_path("v1", "d") / "later").exists()
    assert not (world.volume_path("v2", "b") / "later").exists()
    assert (world.volume_path("v2", "b") / "data/file").exists()


def test_a_running_one_is_of_one_moment(world: World, tmp_path: Path) -> None:
    """A loop writes one number after the other to all three: no tree may be ahead by more than the one step."""
    world.power("c1", "start")
    loop = "i=0; while :; do i=$((i+1)); for d in /root /one /two; do echo $i > $d/new; mv $d/new $d/x; done; done"
    assert world.run("c1", "sh", "-c", f"(trap '' HUP; {loop}) <&- >/tmp/log 2>&1 &") == (0, "")
    await_true(lambda: int(world.read("c1", "/two/x") or 0) > 20, "the loop runs")
    file = export(world, tmp_path / "file", compression="none")
    assert world.runtime.status("c1") is StatusCode.RUNNING
    before = world.read("c1", "/two/x")
    await_true(lambda: world.read("c1", "/two/x") != before, "the loop goes on")
    world.power("c1", "stop")
    remove_all(world)
    bring(world, file)
    world.power("c1", "start")
    code, text = world.run("c1", "cat", "/root/x", "/one/x", "/two/x")
    root, one, two = map(int, text.split())
    assert code == 0 and root >= one >= two >= root - 1


def test_as_of_a_snapshot(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file", snapshot="set")
    remove_all(world)
    bring(world, file)
    assert not (world.volume_path("v1", "d") / "later").exists()
    assert world.volume_snapshots("v1", "d") == [] == world.snapshots("c1")
    world.snapshot("c1", "alone")
    with pytest.raises(HoldfastError, match="not found"):
        export(world, tmp_path / "other", snapshot="nosuch")
    assert "later" not in describe(world.volume_path("v2", "b"))


def test_without_snapshots(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file", is_alone=True)
    remove_all(world)
    bring(world, file)
    assert world.volume_snapshots("v1", "d") == [] == world.volume_snapshots("v2", "b")
    assert (world.volume_path("v1", "d") / "later").read_text() == "v1"


def test_a_volume_of_the_name_is_there(world: World, tmp_path: Path) -> None:
    """The import is refused before it begins, and nothing is touched."""
    file = export(world, tmp_path / "file")
    world.finish(world.services.instances.delete(CALLER, "c1"))
    world.services.volumes.volumes.delete(CALLER, "b", "v2")
    marked = world.volume_path("v1", "d") / "mine"
    marked.write_text("untouched")
    begun = {each.id for each in world.services.operations.list(None)}
    with pytest.raises(HoldfastError, match=r'holds the volume "v1".*pool "d" has one.*rename'):
        bring(world, file)
    assert {each.id for each in world.services.operations.list(None)} <= begun
    assert world.names() == set() and marked.read_text() == "untouched"
    assert world.left_over() == []


def test_beside_what_is_there_under_other_names(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file")
    wanted = {"v1": {"source": "w1"}, "v2": {"source": "w2", "pool": "d"}}
    bring(world, file, "c2", devices=wanted)
    assert devices(world, "c2") == {"v1": ("d", "w1"), "v2": ("d", "w2")}
    for old, pool, new in (("v1", "d", "w1"), ("v2", "b", "w2")):
        for snapshot in (None, "set"):
            one, other = world.volume_path(old, pool, snapshot), world.volume_path(new, "d", snapshot)
            assert differences(describe(one), describe(other)) == []
    assert devices(world) == {"v1": ("d", "v1"), "v2": ("b", "v2")}
    snapshot = world.services.snapshots.get("default", "c2", "set").snapshot
    assert {device.get("source") for device in snapshot.devices.values()} >= {"w1", "w2"}


def test_into_one_pool(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file")
    remove_all(world)
    bring(world, file, pool="b")
    assert devices(world) == {"v1": ("b", "v1"), "v2": ("b", "v2")}
    assert world.services.instances.get("default", "c1").instance.pool == "b"
    optimized = export(world, tmp_path / "optimized", optimized_storage=True)
    world.finish(world.services.instances.delete(CALLER, "c1"))
    for name in ("v1", "v2"):
        world.services.volumes.volumes.delete(CALLER, "b", name)
    with pytest.raises(HoldfastError, match='driver "btrfs" differs'):
        bring(world, optimized, pool="d")
    assert world.left_over() == []


def test_threat_a_pool_that_is_not_there_is_not_passed_over(world: World, tmp_path: Path) -> None:
    """A volume elsewhere than its device says would make an instance that can't start."""
    file = export(world, tmp_path / "f", with_volumes=True)
    wanted = {"v1": {"source": "w1", "pool": "nopool"}, "v2": {"source": "w2"}}
    with pytest.raises(HoldfastError, match='Device "v1": Storage pool not found: "nopool"'):
        bring(world, file, "c2", devices=wanted)
    assert "c2" not in world.names()


def test_without_its_volumes(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file", optimized_storage=True)
    bring(world, file, "c2", pool=world.services.instances.get("default", "c1").instance.pool, without_volumes=True)
    assert devices(world, "c2") == {"v1": ("d", "v1"), "v2": ("b", "v2")}
    bring(world, file, "c3", devices={"v1": {"type": "none"}, "v2": {"source": "w2"}})
    assert devices(world, "c3") == {"v2": ("b", "w2")}
    assert not world.volume_path("w1", "d").exists() and world.volume_path("w2", "b").exists()


def test_what_a_profile_showed(world: World, tmp_path: Path) -> None:
    world.volume("v3", "d")
    (world.volume_path("v3", "d") / "x").write_text("three")
    profiles = world.services.profiles
    device = {"type": "disk", "pool": "d", "source": "v3", "path": "/three"}
    profiles.create(CALLER, "shared", "", {}, {"third": device})
    world.finish(world.services.instances.update(CALLER, "c1", _with_profiles(world, "default", "shared")))
    file = export(world, tmp_path / "file")
    bring(
        world,
        file,
        "c2",
        devices={name: {"source": f"w{name[-1]}"} for name in ("v1", "v2")} | {"third": {"source": "w3"}},
    )
    assert devices(world, "c2")["third"] == ("d", "w3")
    assert (world.volume_path("w3", "d") / "x").read_text() == "three"
    bring(
        world,
        file,
        "c3",
        profiles=["default"],
        devices={"v1": {"source": "y1"}, "v2": {"source": "y2"}, "third": {"source": "y3"}},
    )
    assert devices(world, "c3")["third"] == ("d", "y3")
    for name in ("c1", "c2", "c3"):
        world.finish(world.services.instances.delete(CALLER, name))
    profiles.delete(CALLER, "shared")


def _with_profiles(world: World, *names: str) -> InstanceChange:
    return InstanceChange(profiles=names, devices=world.services.instances.get("default", "c1").instance.devices)


@pytest.mark.parametrize("optimized_storage", [False, True])
def test_in_the_place_of_an_instance(world: World, tmp_path: Path, optimized_storage: bool) -> None:
    """New volumes enter with it; old ones stay, under another name."""
    world.write("c1", "/root/x", "then")
    file = export(world, tmp_path / "file", optimized_storage=optimized_storage)
    world.write("c1", "/root/x", "now")
    with pytest.raises(HoldfastError, match="has one of that name"):
        bring(world, file, is_replacing=True)
    assert world.read("c1", "/root/x") == "now"
    for name, pool in (("v1", "d"), ("v2", "b")):
        world.services.volumes.renamer.rename(CALLER, pool, name, f"{name}-old")
    world.power("c1", "start")
    bring(world, file, is_replacing=True)
    assert world.run("c1", "cat", "/root/x", "/one/later") == (0, "thenv1")
    assert devices(world) == {"v1": ("d", "v1"), "v2": ("b", "v2")}
    world.power("c1", "stop")
    world.finish(world.services.restore.undo(CALLER, "c1"))
    assert world.read("c1", "/root/x") == "now"
    assert devices(world) == {"v1": ("d", "v1-old"), "v2": ("b", "v2-old")}


def test_in_a_project(world: World, tmp_path: Path) -> None:
    file = export(world, tmp_path / "file")
    world.services.projects.create(CALLER, "shop", "", {"features.profiles": "false", "features.images": "false"})
    shop = Caller("shop")
    bring(world, file, caller=shop)
    try:
        assert {record(world, "v1", project=each).project for each in ("default", "shop")} == {"default", "shop"}
        world.finish(world.services.instances.delete(shop, "c1"))
        for name, pool in (("v1", "d"), ("v2", "b")):
            world.services.volumes.volumes.delete(shop, pool, name)
    finally:
        world.services.projects.delete(CALLER, "shop")


def test_a_failed_import_leaves_nothing(world: World, tmp_path: Path) -> None:
    """A byte in the last volume is wrong: neither instance nor volumes are there."""
    (world.volume_path("v1", "d") / "mark").write_bytes(MARK)
    file = export(world, tmp_path / "file", compression="none")
    remove_all(world)
    data = bytearray(file.read_bytes())
    data[data.rindex(MARK) + len(MARK) - 1] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(HoldfastError, match="damaged"):
        bring(world, tmp_path / "damaged")
    assert world.names() == set()
    assert not world.volume_path("v1", "d").exists() and not world.volume_path("v2", "b").exists()
    assert world.left_over() == []


@pytest.mark.parametrize("optimized_storage", [False, True])
def test_what_is_in_it(world: World, tmp_path: Path, optimized_storage: bool) -> None:
    file = export(world, tmp_path / "file", optimized_storage=optimized_storage)
    facts = export_files.verify(export_files.Source(str(file))).facts
    assert [(each.pool, each.name, each.driver) for each in facts.volumes] == [("b", "v2", "btrfs"), ("d", "v1", "dir")]
    assert [each.is_optimized for each in facts.volumes] == [optimized_storage, False]
    assert [[one.name for one in each.snapshots] for each in facts.volumes] == [["set"], ["set"]]
    source = export_files.Source(str(file))
    listed = {each.name for each in export_files.entries(source, "", None, "v1", is_recursive=False)}
    assert "later" in listed and "data" in listed
    export_files.take_out(
        source,
        tmp_path,
        ["later"],
        snapshot=None,
        volume="d/v1",
        same_owner=False,
        special_files=False,
        overwrite=False,
    )
    assert (tmp_path / "later").read_text() == "v1"
    with pytest.raises(ClickException, match="no volume"):
        export_files.entries(source, "", None, "nosuch", is_recursive=False)
    assert json.dumps([each.content_type for each in facts.volumes]) == '["filesystem", "filesystem"]'
