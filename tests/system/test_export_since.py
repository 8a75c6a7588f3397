"""Incremental export files: what is newer than a snapshot, imported onto an instance that has this very snapshot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import pytest

from holdfast.cli import export_files
from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode
from holdfast.service.backup_tests import BackupTestRequest
from holdfast.service.backups import BackupRequest
from holdfast.service.instance_requests import SnapshotChange
from holdfast.streams.growing import ArrivingFile
from support.trees import describe, differences, make_rich_tree
from support.wishes import ExportWishes, ImportWishes
from support.world import CALLER, World, furnished_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox", "setfacl")]


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World, tmp_path: Path) -> Iterator[World]:
    """`web` with the snapshot `one`, and `copy`, which came from a file of it (`<tmp>/base`)."""
    the_world.create("web", "b")
    make_rich_tree(rootfs(the_world, "web"))
    the_world.write("web", "/root/x", "one")
    the_world.snapshot("web", "one")
    bring(the_world, export(the_world, tmp_path / "base", optimized_storage=True), "copy")
    yield the_world
    for name in ("web", "copy", "other"):
        for snapshot in ("one", "two"):
            with suppress(HoldfastError):
                hold(the_world, name, snapshot, held=False)
    the_world.clear()
    assert the_world.left_over() == []


def rootfs(world: World, name: str, snapshot: str | None = None) -> Path:
    view = world.services.instances.get("default", name)
    folder = f"containers-snapshots/{name}/{snapshot}" if snapshot else f"containers/{name}"
    return world.services.pools.driver(view.instance.pool).mount / folder / "rootfs"


def hold(world: World, name: str, snapshot: str, *, held: bool) -> None:
    world.finish(world.services.snapshots.update(CALLER, name, snapshot, SnapshotChange(is_held=held)))


def export(world: World, target: Path, name: str = "web", **wanted: Unpack[ExportWishes]) -> Path:
    request = replace(BackupRequest(name="b", **wanted), compression="none")
    world.finish(world.services.backups.create(CALLER, owner(name), request))
    shutil.copy(world.services.backups.path(owner(name), "b"), target)
    world.finish(world.services.backups.delete(CALLER, owner(name), "b"))
    return target


def bring(world: World, file: Path, name: str | None = None, **options: Unpack[ImportWishes]) -> None:
    spool = world.services.paths.incoming / f"upload-{os.urandom(4).hex()}"
    shutil.copy(file, spool)
    try:
        world.finish(world.services.imports.restore_file(CALLER, ArrivingFile(spool), name, **options))
    finally:
        assert not spool.exists()


def go_on(world: World, text: str, snapshot: str | None = None, name: str = "web") -> None:
    world.write(name, "/root/x", text)
    world.write(name, f"/root/{text}", text)
    if snapshot is not None:
        world.snapshot(name, snapshot)


def same(world: World, *snapshots: str) -> None:
    for snapshot in (*snapshots, None):
        one, other = rootfs(world, "web", snapshot), rootfs(world, "copy", snapshot)
        assert differences(describe(one), describe(other)) == [], snapshot


def test_what_is_newer_comes_onto_its_base(world: World, tmp_path: Path) -> None:
    (rootfs(world, "web") / "data/big").write_bytes(os.urandom(2**20))
    world.snapshot("web", "zero")
    go_on(world, "two", "two")
    (rootfs(world, "web") / "data/file").unlink()
    world.services.instances.patch(CALLER, "web", InstanceChange(config={"user.mark": "new"}))
    go_on(world, "now")
    whole = export(world, tmp_path / "whole", optimized_storage=True)
    file = export(world, tmp_path / "file", since="zero")
    assert file.stat().st_size < whole.stat().st_size - 2**20
    bring(world, export(world, tmp_path / "first", since="one"), onto="copy")
    assert world.snapshots("copy") == ["one", "zero", "two"]
    same(world, "one", "zero", "two")
    made = world.services.instances.get("default", "copy").instance
    assert made.config["user.mark"] == "new" and made.name == "copy"
    assert world.left_over() == []
    world.finish(world.services.restore.restore(CALLER, "copy", "two"))
    assert world.read("copy", "/root/now") is None and world.read("copy", "/root/x") == "two"


def test_a_chain(world: World, tmp_path: Path) -> None:
    """Each file builds on the last snapshot of the one before; what it brought is a base for the next."""
    base = "one"
    for number in ("two", "three", "four"):
        go_on(world, number, number)
        go_on(world, f"after-{number}")
        bring(world, export(world, tmp_path / number, since=base), onto="copy")
        base = number
    assert world.snapshots("copy") == ["one", "two", "three", "four"]
    same(world, "one", "two", "three", "four")
    world.finish(world.services.instances.delete(CALLER, "copy"))
    bring(world, tmp_path / "base", "copy")
    for number in ("two", "three", "four"):
        bring(world, tmp_path / number, onto="copy")
    same(world, "one", "two", "three", "four")


def test_files_that_overlap(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    bring(world, export(world, tmp_path / "first", since="one"), onto="copy")
    go_on(world, "three", "three")
    bring(world, export(world, tmp_path / "second", since="one"), onto="copy")
    assert world.snapshots("copy") == ["one", "two", "three"]
    same(world, "one", "two", "three")
    bring(world, tmp_path / "second", onto="copy")
    same(world, "one", "two", "three")


def test_undo_brings_back_what_it_was(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    world.write("copy", "/root/mine", "mine")
    bring(world, export(world, tmp_path / "file", since="one"), onto="copy")
    assert world.read("copy", "/root/mine") is None
    world.finish(world.services.restore.undo(CALLER, "copy"))
    assert (world.read("copy", "/root/mine"), world.read("copy", "/root/x")) == ("mine", "one")
    assert world.snapshots("copy") == ["one", "two"]


def test_a_running_one_is_stopped_and_started_again(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    world.power("copy", "start")
    world.power("web", "start")
    bring(world, export(world, tmp_path / "file", since="one"), onto="copy")
    assert world.runtime.status("copy") is StatusCode.RUNNING
    assert world.run("copy", "cat", "/root/x") == (0, "two")


def test_without_its_snapshots(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    bring(world, export(world, tmp_path / "file", since="one", is_alone=True), onto="copy")
    assert world.snapshots("copy") == ["one"]
    assert world.read("copy", "/root/x") == "two"


def test_back_to_where_it_came_from(world: World, tmp_path: Path) -> None:
    """The copy goes on, and the first one follows it: its own snapshot is the base."""
    go_on(world, "two", "two", name="copy")
    bring(world, export(world, tmp_path / "file", "copy", since="one"), onto="web")
    assert world.snapshots("web") == ["one", "two"]
    same(world, "one", "two")


def test_a_base_of_another_name(world: World, tmp_path: Path) -> None:
    world.finish(world.services.snapshots.rename(CALLER, "copy", "one", "uno"))
    go_on(world, "two", "two")
    bring(world, export(world, tmp_path / "file", since="one"), onto="copy")
    assert world.snapshots("copy") == ["uno", "two"]
    assert world.read("copy", "/root/x") == "two"


def test_own_snapshots_stay(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    file = export(world, tmp_path / "file", since="one")
    world.snapshot("copy", "mine")
    hold(world, "copy", "mine", held=True)
    bring(world, file, onto="copy")
    assert set(world.snapshots("copy")) == {"one", "two", "mine"}
    hold(world, "copy", "mine", held=False)


def test_what_does_not_fit_is_refused(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    file = export(world, tmp_path / "file", since="one")
    before = world.read("copy", "/root/x"), world.snapshots("copy")
    world.create("other", "b")
    world.snapshot("other", "one")
    for options, says in (
        ({}, r'difference to snapshot "one" of "web".*--onto'),
        ({"name": "new"}, r"--onto"),
        ({"is_replacing": True}, r"--onto"),
        ({"onto": "other"}, r'snapshot "one" of "web".*has no such snapshot \(the one of that name is another\)'),
        ({"onto": "nosuch"}, r"[Nn]ot found"),
        ({"onto": "copy", "is_replacing": True}, r"replaces nothing else"),
    ):
        with pytest.raises(HoldfastError, match=says):
            bring(world, file, **options)
    spool = world.services.paths.incoming / "upload-test"
    shutil.copy(file, spool)
    with pytest.raises(HoldfastError, match="holds only the difference"):
        world.services.backup_tests.test(CALLER, ArrivingFile(spool), BackupTestRequest())
    assert not spool.exists()
    with pytest.raises(HoldfastError, match="holds all of"):
        bring(world, tmp_path / "base", onto="copy")
    world.snapshot("copy", "two")
    with pytest.raises(HoldfastError, match="other snapshots under names of the file's: two"):
        bring(world, file, onto="copy")
    world.finish(world.services.snapshots.delete(CALLER, "copy", "two"))
    assert (world.read("copy", "/root/x"), world.snapshots("copy")) == before
    assert world.left_over() == []


def test_a_plain_copy_is_no_base(world: World, tmp_path: Path) -> None:
    """The trees are the same, but nothing shows that."""
    bring(world, export(world, tmp_path / "plain"), "other")
    go_on(world, "two", "two")
    file = export(world, tmp_path / "file", since="one")
    with pytest.raises(HoldfastError, match=r"--optimized-storage or --since"):
        bring(world, file, onto="other")
    world.finish(world.services.instances.delete(CALLER, "other"))
    bring(world, tmp_path / "plain", "other", pool="d")
    with pytest.raises(HoldfastError, match='driver "btrfs" differs'):
        bring(world, file, onto="other")


def test_where_there_is_no_difference(world: World) -> None:
    world.create("other", "d")
    world.snapshot("other", "one")

    def ask(name: str, **wanted: Unpack[ExportWishes]) -> None:
        world.services.backups.create(CALLER, owner(name), BackupRequest(**wanted))

    with pytest.raises(HoldfastError, match="only a btrfs pool"):
        ask("other", since="one")
    with pytest.raises(HoldfastError, match="not found"):
        ask("web", since="nosuch")
    for more in ({"snapshot": "one"}, {"exclude": ("*",)}, {"with_volumes": True}):
        with pytest.raises(BadRequestError, match="leave out since"):
            ask("web", since="one", **more)
    assert world.left_over() == []


def test_subvolumes_inside(world: World, tmp_path: Path) -> None:
    """New ones come along; a snapshot that has some is no base."""
    from holdfast.host import subvolumes

    subvolumes.create(rootfs(world, "web") / "nested")
    (rootfs(world, "web") / "nested/x").write_text("inside")
    go_on(world, "two", "two")
    bring(world, export(world, tmp_path / "file", since="one"), onto="copy")
    assert (rootfs(world, "copy") / "nested/x").read_text() == "inside"
    assert (rootfs(world, "copy", "two") / "nested/x").read_text() == "inside"
    with pytest.raises(HoldfastError, match="subvolumes inside"):
        world.services.backups.create(CALLER, owner("web"), BackupRequest(since="two"))


def test_what_is_in_it(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    file = export(world, tmp_path / "file", since="one")
    facts = export_files.verify(export_files.Source(str(file))).facts
    assert facts.base is not None and facts.base.snapshot == "one" and facts.is_optimized
    assert [each.name for each in facts.snapshots] == ["two"]
    assert facts.base.identity in export_files.base_text(facts)


def test_a_damaged_one_changes_nothing(world: World, tmp_path: Path) -> None:
    go_on(world, "two", "two")
    file = export(world, tmp_path / "file", since="one")
    data = bytearray(file.read_bytes())
    data[data.rindex(b"root/two")] ^= 1
    file.write_bytes(data)
    with pytest.raises(HoldfastError):
        bring(world, file, onto="copy")
    assert world.read("copy", "/root/x") == "one" and world.snapshots("copy") == ["one"]
    assert world.left_over() == []
