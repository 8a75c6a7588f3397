"""Refreshes between two servers where nothing changed: the copy stays as it is, to the inode; records are written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.service.crashpoints import ALL_POINTS
from support.frame_relay import Relay
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.pools import rootfs
from support.relay import add_https, relaying
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "setfacl")]
Marks = dict[str, tuple[int, int, int, int]]


@dataclass(frozen=True)
class Scene:
    """Two servers; the instance `work` of the first, with a snapshot, was copied to the second as `copy`."""

    source: HoldfastServer
    target: HoldfastServer
    pool: str

    @property
    def tree(self) -> Path:
        return rootfs(self.source, self.pool, "work")

    @property
    def copy(self) -> Path:
        return rootfs(self.target, self.pool, "copy")

    def refresh(self) -> str:
        relay = Relay(self.source, self.target)
        error = relay.copy("work", "copy", refresh=True)
        return error or relay.source_error

    def check(self) -> None:
        assert differences(describe(self.tree), describe(self.copy)) == []
        assert (violations(self.source), violations(self.target)) == ([], [])

    def snapshots(self) -> list[str]:
        found = json.loads(self.target.lxc.run("query", "/1.0/instances/copy?recursion=1"))["snapshots"]
        return [snapshot["name"] for snapshot in found or []]


def marks(volume: Path) -> Marks:
    """Return what shows the smallest change of an entry, and each link to it, also one that has gone again."""
    found = {}
    for path in (volume, *volume.rglob("*")):
        facts = path.lstat()
        found[str(path)] = facts.st_ino, facts.st_nlink, facts.st_mtime_ns, facts.st_ctime_ns
    return found


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[HoldfastServer, HoldfastServer]]:
    directory = short_directory()
    with HoldfastServer(directory / "s") as source, HoldfastServer(directory / "t") as target:
        source.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        yield source, target
    shutil.rmtree(directory)


@pytest.fixture(params=["default", pytest.param("bt", marks=pytest.mark.long)])
def scene(request: pytest.FixtureRequest, servers: tuple[HoldfastServer, HoldfastServer]) -> Iterator[Scene]:
    found = Scene(*servers, request.param)
    for server in servers:
        server.lxc.run("profile", "device", "set", "default", "root", f"pool={request.param}")
        server.lxc.run("storage", "set", "bt", "btrfs.keep_bases=false")
    found.source.lxc.run("init", "tiny", "work")
    make_rich_tree(found.tree)
    assert Relay(*servers).copy("work", "copy") == ""
    yield found
    for server, name in ((found.source, "work"), (found.target, "copy")):
        server.lxc.run("delete", name)


def test_the_copy_stays_as_it_is(scene: Scene) -> None:
    before = marks(scene.copy.parent)
    for _ in range(2):
        assert scene.refresh() == ""
        assert marks(scene.copy.parent) == before
    scene.check()
    (scene.tree / "data/file").write_text("changed")
    assert scene.refresh() == ""
    assert marks(scene.copy.parent) != before
    scene.check()


def test_snapshots_go_though_nothing_else_changed(scene: Scene) -> None:
    scene.source.lxc.run("snapshot", "work", "one")
    scene.source.lxc.run("snapshot", "work", "two")
    assert scene.refresh() == ""
    assert scene.snapshots() == ["one", "two"]
    before = marks(scene.copy.parent)
    scene.source.lxc.run("delete", "work/one")
    assert scene.refresh() == ""
    assert scene.snapshots() == ["two"]
    if scene.pool == "default":  # on btrfs the volume comes as the difference to the snapshot
        assert marks(scene.copy.parent) == before
    scene.check()


def test_what_was_changed_at_the_copy_is_taken_back(scene: Scene) -> None:
    (scene.copy / "data/added").write_text("x")
    facts = (scene.copy / "data/owned").stat()
    os.chown(scene.copy / "data/owned", 5, 5)
    os.utime(scene.copy / "data/owned", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert scene.refresh() == ""
    scene.check()


@pytest.mark.parametrize("point", [each for each in ALL_POINTS if each.startswith("instance-refresh:")])
def test_the_target_dies_where_nothing_changed(scene: Scene, point: str) -> None:
    """Whatever it had done, the copy is what it was."""
    before = marks(scene.copy.parent)
    scene.target.crash_at(point)
    assert scene.refresh() == "gone"
    assert scene.target.wait_for_death() == -9
    scene.target.start()
    assert marks(scene.copy.parent) == before
    scene.check()
    assert scene.refresh() == ""
    scene.check()


def test_volumes(servers: tuple[HoldfastServer, HoldfastServer], tmp_path: Path) -> None:
    source, target = servers
    lxc = relaying(tmp_path / "relay", local1=source.socket)
    add_https(lxc, one=source, two=target)
    top, copy = (each.directory / "storage-pools/default/custom/default_data" for each in servers)
    try:
        source.lxc.run("storage", "volume", "create", "default", "data")
        make_rich_tree(top)

        copying = "storage", "volume", "copy", "one:default/data", "two:default/data"
        lxc.run(*copying)
        before = marks(copy)
        lxc.run(*copying, "--refresh")
        assert marks(copy) == before
        for point in ("volume-refresh:synced", "volume-refresh:committed"):
            target.crash_at(point)
            assert lxc.result(*copying, "--refresh").returncode != 0
            assert target.wait_for_death() == -9
            target.start()
            assert (marks(copy), violations(target)) == (before, [])
        (top / "data/file").write_text("changed")
        lxc.run(*copying, "--refresh")
        assert differences(describe(top), describe(copy)) == []
        assert violations(target) == []
    finally:
        for server in servers:
            server.lxc.run("storage", "volume", "delete", "default", "data", expect=None)
            server.lxc.run("config", "unset", "core.https_address")
