"""Refreshes of copies that a real LXD has on btrfs: it takes differences to what it received as a stream, and no other.

What it received otherwise, by rsync or in an export file, or took itself, it would ask for once more, remove the copy,
and fail as the snapshot is there already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.between import World, as_lxd_carries, remove, remove_volume, servers
from support.frame_relay import Relay
from support.pools import rootfs, volume_tree
from support.rich import Server, age, make_rich_instance
from support.trees import describe, differences

LARGE = 2 * 2**20
VOLUME = ("storage", "volume")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with servers() as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_left(world: World) -> Iterator[None]:
    yield
    for server in (world.ours, world.theirs):
        for name in ("rich", "taken", "back"):
            remove(server, name)


def refresh(world: World, *snapshots: str) -> int:
    """Refresh `taken` of LXD from our `rich`, compare them, and return how many bytes crossed."""
    relay = Relay(world.ours, world.theirs)
    assert relay.copy("rich", "taken", refresh=True) == ""
    for snapshot in (*snapshots, ""):
        wanted, found = (
            describe(rootfs(server, "bt", name, snapshot))
            for server, name in ((world.ours, "rich"), (world.theirs, "taken"))
        )
        assert differences(as_lxd_carries(wanted), as_lxd_carries(found)) == [], snapshot
    return relay.moved_bytes


def add_large(world: World, snapshot: str) -> None:
    """Add a snapshot with a large file that is new."""
    (rootfs(world.ours, "bt", "rich") / f"root/{snapshot}").write_bytes(os.urandom(LARGE))
    world.ours.lxc.run("snapshot", "rich", snapshot)


def test_of_what_lxd_imported_from_an_export(world: World, tmp_path: Path) -> None:
    """The dates are whole seconds, as in each copy that came from LXD: so it takes the snapshots for the same."""
    make_rich_instance(world.theirs, "bt")
    world.lxc.run("copy", "l:rich", "h:rich", "-s", "bt", "--mode", "relay")
    file = tmp_path / "rich.tar"
    world.ours.lxc.run("export", "rich", file, "--optimized-storage", "--compression", "none")
    world.theirs.lxc.run("import", file, "taken", "-s", "bt")
    refresh(world, "first", "second")
    add_large(world, "third")
    refresh(world, "first", "second", "third")
    world.theirs.lxc.run("restore", "taken", "first")
    assert refresh(world, "first", "second", "third") < LARGE / 2


def test_of_what_came_by_rsync(world: World) -> None:
    make_rich_instance(world.ours, "default")
    world.lxc.run("copy", "h:rich", "l:taken", "-s", "bt", "--mode", "relay")
    world.ours.lxc.run("move", "rich", "rich", "-s", "bt")
    add_large(world, "third")
    assert refresh(world, "first", "second", "third") > LARGE
    add_large(world, "fourth")
    assert LARGE < refresh(world, "first", "second", "third", "fourth") < 1.5 * LARGE


def test_what_came_as_a_stream_is_built_on(world: World) -> None:
    make_rich_instance(world.ours, "bt")
    add_large(world, "third")
    world.lxc.run("copy", "h:rich", "l:taken", "-s", "bt", "--mode", "relay")
    assert refresh(world, "first", "second", "third") < LARGE / 2
    add_large(world, "fourth")
    assert LARGE < refresh(world, "first", "second", "third", "fourth") < 1.5 * LARGE
    world.ours.lxc.run("delete", "rich/second")
    world.theirs.lxc.run("snapshot", "taken", "own")
    assert refresh(world, "first", "third", "fourth") < LARGE / 2


def test_of_a_volume_with_a_snapshot_that_lxd_took(world: World) -> None:
    try:
        world.theirs.lxc.run(*VOLUME, "create", "bt", "vol")
        (volume_tree(world.theirs, "bt", "vol") / "file").write_text("at first")
        world.theirs.lxc.run(*VOLUME, "snapshot", "bt", "vol", "first")
        world.lxc.run(*VOLUME, "copy", "l:bt/vol", "h:bt/vol", "--mode", "relay")
        tree = volume_tree(world.ours, "bt", "vol")
        for snapshot in ("second", "third"):
            (tree / "file").write_text(snapshot)
            age(tree)
            world.ours.lxc.run(*VOLUME, "snapshot", "bt", "vol", snapshot)
            world.lxc.run(*VOLUME, "copy", "h:bt/vol", "l:bt/vol", "--refresh", "--mode", "relay")
            assert (volume_tree(world.theirs, "bt", "vol") / "file").read_text() == snapshot
            assert (volume_tree(world.theirs, "bt", "vol", snapshot) / "file").read_text() == snapshot
        assert (volume_tree(world.theirs, "bt", "vol", "first") / "file").read_text() == "at first"
    finally:
        remove_volume(world.ours, "bt", "vol")
        remove_volume(world.theirs, "bt", "vol")


@pytest.mark.parametrize("way", ["copy", "export"])
def test_what_lxd_received_so_comes_back(world: World, tmp_path: Path, way: str) -> None:
    """It leaves the snapshots writable. Sending one on it takes away by what UUID the next one's base is called."""
    make_rich_instance(world.ours, "bt")
    world.theirs.lxc.run("init", "tiny", "taken", "-s", "bt")
    refresh(world, "first", "second")
    tree = rootfs(world.theirs, "bt", "taken")
    (tree / "root/own").write_text("own")
    age(tree)
    world.theirs.lxc.run("snapshot", "taken", "own")
    if way == "copy":
        world.lxc.run("copy", "l:taken", "h:back", "-s", "bt", "--mode", "relay")
    else:
        file = tmp_path / "taken.tar"
        world.theirs.lxc.run("export", "taken", file, "--optimized-storage", "--compression", "none")
        world.ours.lxc.run("import", file, "back", "-s", "bt")
    for snapshot in ("first", "second", "own", ""):
        wanted = describe(rootfs(world.theirs, "bt", "taken", snapshot))
        found = describe(rootfs(world.ours, "bt", "back", snapshot))
        assert differences(wanted, found) == [], snapshot


def test_refreshes_from_there_go_on(world: World) -> None:
    """The names are in the order of their times: LXD sends the difference to the one before by name."""
    make_rich_instance(world.ours, "bt")
    world.theirs.lxc.run("init", "tiny", "taken", "-s", "bt")
    refresh(world, "first", "second")
    tree = rootfs(world.theirs, "bt", "taken")
    for snapshot in ("third", "third-too"):
        world.lxc.run("copy", "l:taken", "h:back", "-s", "bt", "--mode", "relay", "--refresh")
        (tree / f"root/{snapshot}").write_bytes(os.urandom(LARGE))
        age(tree)
        world.theirs.lxc.run("snapshot", "taken", snapshot)
        relay = Relay(world.theirs, world.ours)
        assert relay.copy("taken", "back", refresh=True) == ""
        assert LARGE < relay.moved_bytes < 1.5 * LARGE
        for each in (snapshot, ""):
            wanted = describe(rootfs(world.theirs, "bt", "taken", each))
            assert differences(wanted, describe(rootfs(world.ours, "bt", "back", each))) == [], each


def test_refreshes_of_volumes_from_there_go_on(world: World) -> None:
    def at(server: Server, name: str, snapshot: str = "") -> Path:
        return volume_tree(server, "bt", name, snapshot) / "file"

    copies = ((world.ours, "vol"), (world.theirs, "taken"), (world.ours, "back"))
    try:
        for server, name in copies[:2]:
            server.lxc.run(*VOLUME, "create", "bt", name)
        at(world.ours, "vol").write_bytes(os.urandom(LARGE))
        world.ours.lxc.run(*VOLUME, "snapshot", "bt", "vol", "first")
        world.lxc.run(*VOLUME, "copy", "h:bt/vol", "l:bt/taken", "--refresh", "--mode", "relay")
        world.lxc.run(*VOLUME, "copy", "l:bt/taken", "h:bt/back", "--mode", "relay")
        for snapshot in ("second", "third"):
            with at(world.theirs, "taken").open("ab") as file:
                file.write(snapshot.encode())
            world.theirs.lxc.run(*VOLUME, "snapshot", "bt", "taken", snapshot)
            relay = Relay(world.theirs, world.ours)
            assert relay.copy_volume("bt", "taken", "back", refresh=True) == ""
            assert relay.moved_bytes < LARGE / 2
            for each in (snapshot, ""):
                assert at(world.ours, "back", each).read_bytes() == at(world.theirs, "taken", each).read_bytes()
    finally:
        for server, name in copies:
            remove_volume(server, "bt", name)
