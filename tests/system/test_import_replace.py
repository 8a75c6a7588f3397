"""An import in the place of an instance: content, settings and snapshots of the file, and an undo of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import pytest

from holdfast.model.errors import HoldfastError, NotFoundError, StorageError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.operation import Operation
from holdfast.service import former_states
from holdfast.service.backups import BackupRequest
from holdfast.service.instance_requests import SnapshotChange
from holdfast.storage.driver import Driver
from holdfast.streams.growing import ArrivingFile
from support.wishes import ImportWishes
from support.world import CALLER, POOLS, World, furnished_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[str]:
    """`victim` with "now" and snapshots `one` ("later") and `two`; `<tmp>/file` has "then", `one` ("old") and `three`.

    Gives the pool's name.
    """
    world.create("victim", request.param)
    world.services.instances.patch(CALLER, "victim", InstanceChange(config={"user.mark": "then"}))
    world.write("victim", "/root/data", "old")
    world.snapshot("victim", "one")
    world.snapshot("victim", "three")
    world.write("victim", "/root/data", "then")
    export(world, "victim", tmp_path / "file")
    for name in ("one", "three"):
        world.finish(world.services.snapshots.delete(CALLER, "victim", name))
    world.write("victim", "/root/data", "later")
    world.snapshot("victim", "one")
    world.snapshot("victim", "two")
    world.write("victim", "/root/data", "now")
    world.services.instances.patch(CALLER, "victim", InstanceChange(config={"user.mark": "now"}))
    yield request.param
    world.clear()
    assert world.left_over() == []


def export(world: World, name: str, target: Path, *, optimized_storage: bool = False) -> None:
    request = BackupRequest(name="b", optimized_storage=optimized_storage)
    world.finish(world.services.backups.create(CALLER, owner(name), request))
    shutil.copy(world.services.backups.path(owner(name), "b"), target)
    world.finish(world.services.backups.delete(CALLER, owner(name), "b"))


def bring(world: World, file: Path, name: str | None = None, **options: Unpack[ImportWishes]) -> Operation:
    spool = world.services.paths.incoming / f"upload-{os.urandom(4).hex()}"
    shutil.copy(file, spool)
    options.setdefault("is_replacing", True)
    ended = world.finish(world.services.imports.restore_file(CALLER, ArrivingFile(spool), name, **options))
    assert not spool.exists()
    return ended


def facts(world: World) -> tuple[str | None, str | None, list[str]]:
    mark = world.services.instances.get("default", "victim").instance.config.get("user.mark")
    return world.read("victim", "/root/data"), mark, world.snapshots("victim")


THEN = ("then", "then", ["one", "three"])
NOW = ("now", "now", ["one", "two"])


def test_all_of_the_file_takes_the_place_of_all_that_is_there(world: World, pool: str, tmp_path: Path) -> None:
    bring(world, tmp_path / "file")
    assert facts(world) == THEN
    assert world.left_over() == []
    world.finish(world.services.restore.restore(CALLER, "victim", "one"))
    assert world.read("victim", "/root/data") == "old"


def test_undo_brings_content_and_settings_back(world: World, pool: str, tmp_path: Path) -> None:
    ended = bring(world, tmp_path / "file")
    assert "undo_kept" not in (ended.metadata or {})
    assert world.services.former_states.view("default", "victim").state.snapshot == ""
    world.finish(world.services.restore.undo(CALLER, "victim"))
    assert facts(world) == ("now", "now", ["one", "three"])
    world.finish(world.services.restore.undo(CALLER, "victim"))
    assert facts(world) == THEN


def test_settings_of_the_request_stand(world: World, pool: str, tmp_path: Path) -> None:
    bring(world, tmp_path / "file", config={"user.mark": "asked"}, devices={"root": {"size": "200MiB"}})
    made = world.services.instances.get("default", "victim").instance
    assert made.config["user.mark"] == "asked"
    assert (made.devices["root"]["size"], made.devices["root"]["pool"]) == ("200MiB", pool)


def test_without_an_undo(world: World, pool: str, tmp_path: Path) -> None:
    world.services.instances.patch(CALLER, "victim", InstanceChange(config={"snapshots.undo": "off"}))
    ended = bring(world, tmp_path / "file")
    assert "undo_kept" not in (ended.metadata or {}), "it isn't missed"
    with pytest.raises(NotFoundError):
        world.services.former_states.view("default", "victim")


def test_where_space_is_short_the_operation_tells_that_nothing_is_kept(
    world: World, pool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former_states, "LEAST_FREE", 2.0)
    ended = bring(world, tmp_path / "file")
    assert (ended.metadata or {})["undo_kept"] is False
    assert facts(world) == THEN
    with pytest.raises(NotFoundError):
        world.services.former_states.view("default", "victim")


def test_where_the_pool_fails_to_keep_it_the_operation_tells(
    world: World, pool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Driver, token: str) -> None:
        raise StorageError("the disk failed")

    monkeypatch.setattr(type(world.services.pools.driver(pool)), "keep_former", fail)
    ended = bring(world, tmp_path / "file")
    assert (ended.metadata or {})["undo_kept"] is False
    assert facts(world) == THEN


def test_a_running_instance_is_stopped_and_started_again(world: World, pool: str, tmp_path: Path) -> None:
    world.power("victim", "start")
    bring(world, tmp_path / "file")
    assert world.run("victim", "cat", "/root/data") == (0, "then")


def test_of_another_name_where_none_is_there(world: World, pool: str, tmp_path: Path) -> None:
    bring(world, tmp_path / "file", "fresh")
    assert world.names() == {"victim", "fresh"}
    assert world.snapshots("fresh") == ["one", "three"]
    assert facts(world) == NOW


def test_without_the_wish_nothing_is_touched(world: World, pool: str, tmp_path: Path) -> None:
    with pytest.raises(HoldfastError, match="already exists on target"):
        bring(world, tmp_path / "file", is_replacing=False)
    assert facts(world) == NOW


def test_an_optimized_file_takes_its_place_too(world: World, pool: str, tmp_path: Path) -> None:
    bring(world, tmp_path / "file", "origin", is_replacing=False)
    export(world, "origin", tmp_path / "streams", optimized_storage=True)
    bring(world, tmp_path / "streams", "victim")
    assert facts(world) == THEN
    world.finish(world.services.restore.restore(CALLER, "victim", "one"))
    assert world.read("victim", "/root/data") == "old"
    assert world.left_over() == []


def test_another_pool_is_refused(world: World, pool: str, tmp_path: Path) -> None:
    other = next(each for each in POOLS if each != pool)
    with pytest.raises(HoldfastError, match=f"victim is in the pool {pool}, not in {other}: leave the pool out"):
        bring(world, tmp_path / "file", pool=other)
    assert facts(world) == NOW


def test_held_snapshots_are_not_replaced(world: World, pool: str, tmp_path: Path) -> None:
    world.finish(world.services.snapshots.update(CALLER, "victim", "two", SnapshotChange(is_held=True)))
    with pytest.raises(HoldfastError, match="Snapshot victim/two is held"):
        bring(world, tmp_path / "file")
    assert facts(world) == NOW
    world.finish(world.services.snapshots.update(CALLER, "victim", "two", SnapshotChange(is_held=False)))


def test_threat_a_device_that_can_not_be_had_is_refused_before(world: World, pool: str, tmp_path: Path) -> None:
    device = {"type": "disk", "pool": pool, "source": "nowhere", "path": "/data"}
    with pytest.raises(HoldfastError, match="nowhere"):
        bring(world, tmp_path / "file", devices={"data": device})
    assert facts(world) == NOW


def test_a_broken_file_leaves_the_instance_whole_and_running(world: World, pool: str, tmp_path: Path) -> None:
    world.power("victim", "start")
    data = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(HoldfastError):
        bring(world, tmp_path / "file")
    assert world.run("victim", "cat", "/root/data") == (0, "now")
    assert facts(world) == NOW
    assert world.left_over() == []
