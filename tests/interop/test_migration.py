"""Instances cross between Holdfast and the distribution's real LXD 5.0.2, both ways, by the real client in every mode.

The trees hold every kind of entry and are compared entry by entry. What LXD's own transfers don't carry is left out
where it takes part: hard links become files of their own, and ACLs are lost.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host.processes import run
from holdfast.host.subvolumes import is_subvolume, received_identity
from support.between import WAYS, World, as_lxd_carries, matrix, remotes_of, remove, servers, ways
from support.invariants import violations
from support.pools import rootfs
from support.rich import Server, age, make_rich_instance
from support.trees import describe, differences, make_rich_tree


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with servers() as found:
        yield found


def compare(
    world: World, source: str, source_pool: str, target: str, target_pool: str, name: str, *, slack_ns: int = 0
) -> None:
    """Fail with a list of what is not equal between `rich` and its copy."""
    for snapshot in ("first", "second", ""):
        wanted = describe(rootfs(world.server(source), source_pool, "rich", snapshot))
        found = describe(rootfs(world.server(target), target_pool, name, snapshot))
        if "l" in (source, target):
            wanted, found = as_lxd_carries(wanted), as_lxd_carries(found)
        lines = differences(wanted, found, slack_ns=slack_ns)
        assert lines == [], f"snapshot {snapshot!r}:\n" + "\n".join(lines)


def restore_and_start(server: Server, name: str) -> None:
    """The copy starts, and its snapshot can be restored there."""
    server.lxc.run("start", name)
    assert server.lxc.heard(name, "cat", "/data/only-main") == "main"
    server.lxc.run("restore", name, "first")
    server.lxc.run("exec", name, "--", "sh", "-c", "test -e /data/file && test ! -e /data/only-second")
    assert server.lxc.heard(name, "stat", "-c", "%u %g", "/data/owned").split() == ["1000", "1001"]


@pytest.mark.parametrize(("source", "target", "source_pool", "target_pool", "mode"), matrix())
def test_copy(world: World, source: str, target: str, source_pool: str, target_pool: str, mode: str) -> None:
    remotes = remotes_of(source, target, mode)
    try:
        make_rich_instance(world.server(source), source_pool)
        world.lxc.run("copy", f"{remotes[0]}:rich", f"{remotes[1]}:taken", "-s", target_pool, "--mode", mode)
        compare(world, source, source_pool, target, target_pool, "taken")
        shown = json.loads(world.server(target).lxc.run("query", "/1.0/instances/taken?recursion=1"))
        assert shown["config"]["user.note"] == "kept: yes"
        assert [snapshot["name"] for snapshot in shown["snapshots"]] == ["first", "second"]
        restore_and_start(world.server(target), "taken")
    finally:
        remove(world.server(source), "rich")
        remove(world.server(target), "taken")


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_nested_subvolumes_cross_as_such(world: World, source: str, target: str) -> None:
    server = world.server(source)
    try:
        server.lxc.run("init", "tiny", "rich", "-s", "bt")
        inner = rootfs(server, "bt", "rich") / "inner"
        run(["btrfs", "subvolume", "create", inner])
        (inner / "file").write_text("one")
        run(["btrfs", "subvolume", "create", inner / "deeper"])
        server.lxc.run("snapshot", "rich", "first")
        (inner / "file").write_text("two")
        (inner / "deeper/file").write_text("deep")
        server.lxc.run("snapshot", "rich", "second")
        world.lxc.run("copy", f"{source}:rich", f"{target}:taken", "-s", "bt", "--mode", "relay")
        slack_ns = 60 * 10**9 if "l" in (source, target) else 0  # putting them into place, LXD changes their directory
        compare(world, source, "bt", target, "bt", "taken", slack_ns=slack_ns)
        for path in ("inner", "inner/deeper"):
            assert is_subvolume(rootfs(world.server(target), "bt", "taken") / path)
    finally:
        remove(server, "rich")
        remove(world.server(target), "taken")


@pytest.mark.parametrize("pool", ["default", "bt"])
@pytest.mark.parametrize(("source", "target"), ways())
def test_parts(world: World, source: str, target: str, pool: str) -> None:
    """The instance without snapshots; one snapshot as an instance; a move, after which the source is gone."""
    one, other = world.server(source), world.server(target)
    try:
        make_rich_instance(one, pool)
        world.lxc.run("copy", f"{source}:rich", f"{target}:alone", "--instance-only", "-s", pool, "--mode", "relay")
        assert other.lxc.yaml("query", "/1.0/instances/alone/snapshots") == []
        assert (rootfs(other, pool, "alone") / "data/only-main").read_text() == "main"
        world.lxc.run("copy", f"{source}:rich/first", f"{target}:old", "-s", pool, "--mode", "relay")
        assert other.lxc.yaml("query", "/1.0/instances/old/snapshots") == []
        wanted, found = describe(rootfs(one, pool, "rich", "first")), describe(rootfs(other, pool, "old"))
        assert differences(as_lxd_carries(wanted), as_lxd_carries(found)) == []
        other.lxc.run("start", "old")
        world.lxc.run("move", f"{source}:rich", f"{target}:moved", "-s", pool, "--mode", "relay")
        assert one.lxc.result("info", "rich").returncode != 0
        restore_and_start(other, "moved")
    finally:
        remove(one, "rich")
        for name in ("alone", "old", "moved"):
            remove(other, name)


@pytest.mark.parametrize("pool", ["default", "bt"])
@pytest.mark.parametrize(("source", "target"), ways())
def test_running_instance(world: World, source: str, target: str, pool: str) -> None:
    """With --stateless it goes on running, and its owners arrive as those inside."""
    one, other = world.server(source), world.server(target)
    try:
        one.lxc.run("launch", "tiny", "runs", "-s", pool)
        script = "echo x > /root/mine; chown 1000:1001 /root/mine; chmod 4755 /root/mine"
        one.lxc.run("exec", "runs", "--", "sh", "-c", script)
        one.lxc.run("snapshot", "runs", "first")
        refused = world.lxc.result("copy", f"{source}:runs", f"{target}:taken", "--mode", "relay")
        assert b"ive migration" in refused.stderr
        world.lxc.run("copy", f"{source}:runs", f"{target}:taken", "--stateless", "-s", pool, "--mode", "relay")
        assert json.loads(one.lxc.run("query", "/1.0/instances/runs/state"))["status"] == "Running"
        other.lxc.run("start", "taken")
        for _ in ("as copied", "as restored"):
            seen = other.lxc.heard("taken", "stat", "-c", "%u %g %a", "/root/mine")
            assert seen.split() == ["1000", "1001", "4755"]
            other.lxc.run("restore", "taken", "first")
    finally:
        remove(one, "runs")
        remove(other, "taken")


def test_a_copy_over_an_instance_is_refused(world: World) -> None:
    try:
        for server in (world.ours, world.other):
            server.lxc.run("init", "--empty", "same")
        refused = world.lxc.result("copy", "h:same", "i:same", "--mode", "relay")
        assert b"already exists" in refused.stderr
    finally:
        for server in (world.ours, world.other):
            server.lxc.run("delete", "same")


@pytest.mark.parametrize("pool", ["default", "bt"])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_refresh(world: World, source: str, target: str, pool: str) -> None:
    """A copy follows its source: changed files, new and deleted snapshots; what it has is not sent again."""
    one, other = world.server(source), world.server(target)
    copy = ("copy", f"{source}:rich", f"{target}:taken", "--refresh", "-s", pool, "--mode", "relay")
    try:
        make_rich_instance(one, pool)
        world.lxc.run(*copy)
        compare(world, source, pool, target, pool, "taken")
        kept = rootfs(other, pool, "taken", "second").stat()
        tree = rootfs(one, pool, "rich")
        (tree / "data/owned").write_text("changed")
        shutil.rmtree(tree / "data/level-00/level-01/level-02")
        (tree / "data/new").write_text("new")
        age(tree)
        one.lxc.run("snapshot", "rich", "third")
        (tree / "data/newer").write_text("newer")
        age(tree)
        one.lxc.run("delete", "rich/first")
        world.lxc.run(*copy)
        for snapshot in ("second", "third", ""):
            wanted, found = (
                describe(rootfs(*place, snapshot)) for place in ((one, pool, "rich"), (other, pool, "taken"))
            )
            assert differences(as_lxd_carries(wanted), as_lxd_carries(found)) == [], snapshot
        assert rootfs(other, pool, "taken", "second").stat().st_ino == kept.st_ino
        names = json.loads(other.lxc.run("query", "/1.0/instances/taken/snapshots"))
        assert [name.rpartition("/")[2] for name in names] == ["second", "third"]
        world.lxc.run(*copy)
        assert (rootfs(other, pool, "taken") / "data/newer").read_text() == "newer"
        other.lxc.run("start", "taken")
        assert b"running" in world.lxc.result(*copy).stderr
    finally:
        remove(one, "rich")
        remove(other, "taken")


def test_refresh_from_lxd_on_dir_without_snapshots(world: World) -> None:
    """What isn't changed is taken from the old copy, which rsync only looks at."""
    theirs, ours = world.theirs, world.ours
    copy = ("copy", "l:rich", "h:taken", "--refresh", "-s", "default", "--mode", "relay")
    theirs.lxc.run("init", "tiny", "rich", "-s", "default")
    tree, taken = rootfs(theirs, "default", "rich"), rootfs(ours, "default", "taken")

    def refresh() -> None:
        world.lxc.run(*copy)
        wanted, found = as_lxd_carries(describe(tree)), as_lxd_carries(describe(taken))
        assert differences(wanted, found) == []
        assert violations(ours) == []

    try:
        make_rich_tree(tree)
        age(tree)
        refresh()
        before, whole = (taken / "data/sparse").stat().st_ino, taken.parent.stat().st_ino
        refresh()
        assert taken.parent.stat().st_ino == whole
        (tree / "data/owned").write_text("changed")
        (tree / "data/file").chmod(0o4700)
        shutil.rmtree(tree / "data/level-00/level-01/level-02")
        (tree / "data/new").write_text("new")
        (taken / "data/mine").write_text("mine")
        (taken / "data/empty").write_text("mine")
        refresh()
        assert (taken / "data/sparse").stat().st_ino == before
        assert (taken / "data/sparse").stat().st_nlink == 1
        (tree / "out").symlink_to("/usr/bin")
        refresh()
        (tree / "out").unlink()
        (tree / "out").mkdir()
        (tree / "out/env").write_text("another")
        refresh()
        ours.lxc.run("start", "taken")
    finally:
        remove(theirs, "rich")
        remove(ours, "taken")


def test_refresh_from_lxd_on_dir_with_new_snapshots(world: World) -> None:
    """The first of them takes over the files of the old copy; nothing shares a file with anything in the end."""
    theirs, ours = world.theirs, world.ours
    theirs.lxc.run("init", "tiny", "rich", "-s", "default")
    tree = rootfs(theirs, "default", "rich")

    def place(snapshot: str = "") -> Path:
        return rootfs(ours, "default", "taken", snapshot)

    def refresh(*snapshots: str) -> None:
        world.lxc.run("copy", "l:rich", "h:taken", "--refresh", "-s", "default", "--mode", "relay")
        inodes: set[int] = set()
        for snapshot in ("", *snapshots):
            wanted = as_lxd_carries(describe(rootfs(theirs, "default", "rich", snapshot)))
            assert differences(wanted, as_lxd_carries(describe(place(snapshot)))) == []
            here = {path.lstat().st_ino for path in place(snapshot).parent.rglob("*")}
            assert not here & inodes
            inodes |= here
        assert violations(ours) == []

    try:
        make_rich_tree(tree)
        age(tree)
        refresh()
        before = (place() / "data/sparse").stat().st_ino
        (tree / "data/owned").write_text("in one")
        theirs.lxc.run("snapshot", "rich", "one")
        (tree / "data/owned").write_text("after one")
        refresh("one")
        assert (place("one") / "data/sparse").stat().st_ino == before
        (place() / "data/mine").write_text("mine")
        shutil.rmtree(tree / "data/level-00/level-01")
        for name in ("two", "three"):
            (tree / "data/new").write_text(name)
            theirs.lxc.run("snapshot", "rich", name)
        refresh("one", "two", "three")
        ours.lxc.run("restore", "taken", "one")
        assert differences(as_lxd_carries(describe(place("one"))), as_lxd_carries(describe(place()))) == []
        ours.lxc.run("start", "taken")
    finally:
        remove(theirs, "rich")
        remove(ours, "taken")


def test_threat_owners_of_a_snapshot_are_not_taken_back_in_the_old_copy(world: World) -> None:
    """A snapshot whose owners are those of a host can't take over files of the old copy: they would change there."""
    theirs, ours = world.theirs, world.ours
    copy = ("copy", "l:rich", "h:taken", "--refresh", "-s", "default", "--mode", "relay")
    theirs.lxc.run("init", "tiny", "rich", "-s", "default")
    tree, taken = rootfs(theirs, "default", "rich"), rootfs(ours, "default", "taken")
    seen = taken.parent.parent / "seen"
    try:
        world.lxc.run(*copy)
        theirs.lxc.run("start", "rich")
        theirs.lxc.run("stop", "--force", "rich")
        assert tree.stat().st_uid != 0
        theirs.lxc.run("snapshot", "rich", "one")
        theirs.lxc.run("config", "set", "rich", "volatile.last_state.idmap", "[]")
        former = taken.parent / "metadata.yaml"
        before = former.stat()
        seen.hardlink_to(former)
        world.lxc.run(*copy)
        assert (before.st_uid, seen.stat().st_uid, seen.stat().st_nlink) == (0, 0, 1)
        assert rootfs(ours, "default", "taken", "one").stat().st_uid == 0
    finally:
        seen.unlink(missing_ok=True)
        remove(theirs, "rich")
        remove(ours, "taken")


def test_from_the_first_snapshot_on_refreshes_are_differences(world: World) -> None:
    """Between pools of btrfs: the first one crosses whole, so that those after it need not."""
    ours, other, lxc = world.ours, world.other, world.lxc
    source, target = remotes_of("h", "i", "pull")
    ours.lxc.run("init", "tiny", "plain", "-s", "bt")
    try:
        lxc.run("copy", f"{source}:plain", f"{target}:plain", "-s", "bt")
        for name in ("base", "next"):
            (rootfs(ours, "bt", "plain") / "root" / name).write_text(name)
            ours.lxc.run("snapshot", "plain", name)
            lxc.run("copy", f"{source}:plain", f"{target}:plain", "-s", "bt", "--refresh")
            assert received_identity(rootfs(other, "bt", "plain", name).parent) is not None
        for name in ("base", "next", ""):
            wanted, found = (describe(rootfs(server, "bt", "plain", name)) for server in (ours, other))
            assert differences(wanted, found) == []
    finally:
        for server in (ours, other):
            remove(server, "plain")


@pytest.mark.long
def test_many_files(world: World) -> None:
    """A tree as of a whole distribution: more goes in both directions than sockets and pipes hold at once."""
    try:
        world.ours.lxc.run("init", "tiny", "rich")
        run(["cp", "-a", "/usr/share", "/usr/bin", rootfs(world.ours, "default", "rich")])
        world.lxc.run("copy", "sh:rich", "si:taken")
        wanted, found = (
            describe(rootfs(*place)) for place in ((world.ours, "default", "rich"), (world.other, "default", "taken"))
        )
        assert differences(wanted, found) == []
    finally:
        remove(world.ours, "rich")
        remove(world.other, "taken")
