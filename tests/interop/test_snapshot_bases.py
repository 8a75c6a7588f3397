"""Refreshes from a real LXD on btrfs: LXD sends differences to snapshots, which are kept as they came for that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from support.between import World, as_lxd_carries, remove, servers
from support.frame_relay import Relay
from support.invariants import violations
from support.pools import rootfs
from support.rich import age
from support.trees import Entry, describe, differences, make_rich_tree

LARGE = 2 * 2**20
SHIFT = 100_000
"""Where the owners of a container begin on the disk of an LXD that has started it."""

Entries = dict[str, Entry]


@dataclass(frozen=True)
class Scene:
    """The instance `work` of LXD was copied to our server as `copy`, with a snapshot; both are on btrfs."""

    world: World

    @property
    def tree(self) -> Path:
        return rootfs(self.world.theirs, "bt", "work")

    @property
    def bases(self) -> Path:
        return self.world.ours.directory / "storage-pools/bt/.bases"

    def change(self, text: str) -> None:
        """Write into the middle of a large file, and two others."""
        with (self.tree / "root/large").open("r+b") as file:
            file.seek(LARGE // 2)
            file.write(text.encode())
        for name in (text, "last"):
            (self.tree / "root" / name).write_text(text)
            shutil.chown(self.tree / "root" / name, self.tree.stat().st_uid, self.tree.stat().st_gid)

    def snapshot(self, name: str) -> None:
        self.change(name)
        self.world.theirs.lxc.run("snapshot", "work", name)

    def refresh(self, seen: Callable[[Entries], Entries] = dict) -> int:
        """Refresh; return how many bytes crossed. Trees are equal then, as far as they are `seen`."""
        relay = Relay(self.world.theirs, self.world.ours)
        assert relay.copy("work", "copy", refresh=True) == ""
        self.compare(seen)
        return relay.moved_bytes

    def compare(self, seen: Callable[[Entries], Entries] = dict) -> None:
        snapshots = json.loads(self.world.theirs.lxc.run("query", "/1.0/instances/work/snapshots?recursion=1"))
        for name in (*(each["name"] for each in snapshots), ""):
            wanted = describe(rootfs(self.world.theirs, "bt", "work", name))
            found = describe(rootfs(self.world.ours, "bt", "copy", name))
            assert differences(seen(wanted), seen(found)) == [], name
        assert violations(self.world.ours) == []

    def kept(self) -> list[str]:
        """Return of which snapshots something is kept, by the file that was written last."""
        return sorted((path / "received/rootfs/root/last").read_text() for path in self.bases.iterdir())


def as_inside(entries: Entries) -> Entries:
    """Return the entries with the owners that the instance sees."""
    return {
        name: replace(each, uid=each.uid % SHIFT, gid=each.gid % SHIFT, xattrs=()) for name, each in entries.items()
    }


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with servers() as found:
        yield found


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    found = Scene(world)
    world.theirs.lxc.run("init", "tiny", "work", "-s", "bt")
    make_rich_tree(found.tree)
    (found.tree / "root/large").write_bytes(bytes(range(256)) * (LARGE // 256))
    age(found.tree)
    found.snapshot("snap1")
    found.change("beyond snap1")
    world.lxc.run("copy", "l:work", "h:copy", "-s", "bt", "--mode", "relay")
    found.compare()
    assert found.kept() == ["snap1"]
    yield found
    remove(world.theirs, "work")
    remove(world.ours, "copy")
    world.ours.lxc.run("storage", "unset", "bt", "btrfs.keep_bases")
    assert list(found.bases.iterdir()) == []
    assert violations(world.ours) == []


def test_new_snapshots_cross_as_differences(scene: Scene) -> None:
    for name, kept in (("snap2", ["snap1", "snap2"]), ("snap3", ["snap2", "snap3"])):
        scene.snapshot(name)
        scene.change(f"beyond {name}")
        assert scene.refresh() < LARGE / 8
        assert scene.kept() == kept
    scene.snapshot("snap4")
    scene.snapshot("snap5")
    assert scene.refresh() < LARGE / 8
    assert scene.kept() == ["snap4", "snap5"]


def test_where_names_are_not_in_the_order_of_times(scene: Scene) -> None:
    """LXD's difference would be to `snap1`; so `snap9` is asked for again, as the difference to `snap8`."""
    scene.snapshot("snap8")
    scene.snapshot("snap9")
    scene.refresh()
    scene.snapshot("snap10")
    assert scene.refresh() < LARGE / 8
    assert scene.kept() == ["snap10", "snap9"]
    scene.snapshot("before-all")
    scene.refresh(as_lxd_carries)
    assert scene.kept() == ["snap10", "snap9"]


def test_without_a_new_snapshot_the_changes_alone_cross(scene: Scene) -> None:
    """LXD would send all of it as a stream."""
    scene.change("more")
    assert scene.refresh(as_lxd_carries) < LARGE / 8
    assert scene.kept() == ["snap1"]


def test_what_was_done_with_the_copy_does_not_matter(scene: Scene) -> None:
    copy = rootfs(scene.world.ours, "bt", "copy")
    (copy / "root/large").write_bytes(b"mine")
    (copy / "root/last").unlink()
    scene.snapshot("snap2")
    assert scene.refresh() < LARGE / 8
    scene.world.ours.lxc.run("restore", "copy", "snap1")
    scene.world.ours.lxc.run("rename", "copy/snap2", "copy/mine")
    scene.world.theirs.lxc.run("delete", "work/snap2")
    scene.snapshot("snap3")
    assert scene.refresh() < LARGE / 8
    assert scene.kept() == ["snap1", "snap3"]


def test_a_snapshot_takes_along_what_is_kept_of_it(scene: Scene) -> None:
    """The source's difference is to the one before; the one that went crosses again."""
    scene.snapshot("snap2")
    scene.refresh()
    scene.world.ours.lxc.run("delete", "copy/snap2")
    assert scene.kept() == ["snap1"]
    scene.snapshot("snap3")
    assert scene.refresh() < LARGE / 8
    assert scene.kept() == ["snap2", "snap3"]


def test_without_what_is_kept_rsync_brings_it(scene: Scene) -> None:
    scene.world.ours.lxc.run("storage", "set", "bt", "btrfs.keep_bases=false")
    scene.snapshot("snap2")
    assert scene.refresh() < LARGE / 8  # builds on what is there, and keeps nothing new
    assert scene.kept() == ["snap1"]
    scene.snapshot("snap3")
    assert scene.refresh(as_lxd_carries) < LARGE / 8
    assert scene.kept() == ["snap1"]


def test_owners_that_are_others_at_the_source_meanwhile(scene: Scene) -> None:
    """A start shifts them; the difference then has all owners, which come out as those inside."""
    scene.world.theirs.lxc.run("start", "work")
    scene.world.theirs.lxc.run("stop", "--force", "work")
    assert scene.tree.stat().st_uid == SHIFT
    scene.snapshot("snap2")
    assert scene.refresh(as_inside) < LARGE / 8
    scene.snapshot("snap3")
    scene.change("more")
    assert scene.refresh(as_inside) < LARGE / 8
    assert scene.kept() == ["snap2", "snap3"]
    scene.world.ours.lxc.run("start", "copy")
    owned = scene.world.ours.lxc.run("exec", "copy", "--", "stat", "-c", "%u %g", "/data/owned")
    assert owned.split() == ["1000", "1001"]
    scene.world.ours.lxc.run("stop", "--force", "copy")


def test_another_snapshot_of_the_same_name_and_time(scene: Scene) -> None:
    """As after a move to another pool and back at the source."""
    for pool in ("default", "bt"):
        scene.world.theirs.lxc.run("move", "work", "work", "-s", pool)
    scene.snapshot("snap2")
    refused = Relay(scene.world.theirs, scene.world.ours).copy("work", "copy", refresh=True)
    assert 'Snapshot "snap1" of the source is another one' in refused
    assert scene.kept() == []
    assert scene.refresh(as_lxd_carries) < LARGE / 8
