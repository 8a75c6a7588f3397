"""Instances cross between Holdfast and the distribution's real LXD 5.0.2, both ways, by the real client in mode relay.

The trees hold every kind of entry and are compared entry by entry. What LXD's own transfers don't carry is left out
where it takes part: hard links become files of their own, and ACLs are lost.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxcClient, LxdServer, require_lxd
from support.pools import rootfs
from support.relay import relaying
from support.rich import Server, make_rich_instance
from support.trees import Entry, describe, differences


@dataclass(frozen=True)
class World:
    """Two servers of ours, a real LXD, and a client that knows them as `h`, `i` and `l`."""

    ours: HoldfastServer
    other: HoldfastServer
    theirs: LxdServer
    lxc: LxcClient

    def server(self, remote: str) -> Server:
        return {"h": self.ours, "i": self.other, "l": self.theirs}[remote]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    require_lxd()
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with (
        HoldfastServer(directory / "h") as ours,
        HoldfastServer(directory / "i") as other,
        LxdServer(directory / "l") as theirs,
    ):
        for server in (ours, theirs):
            server.lxc.run("image", "import", image, "--alias", "tiny")
        yield World(ours, other, theirs, relaying(directory / "relay", h=ours.socket, i=other.socket, l=theirs.socket))
    shutil.rmtree(directory)


def as_lxd_carries(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out what real LXD loses on the way."""
    return {
        name: replace(entry, links="", xattrs=tuple(each for each in entry.xattrs if "posix_acl" not in each[0]))
        for name, entry in entries.items()
        if name != "data/acl"
    }


def compare(world: World, source: str, source_pool: str, target: str, target_pool: str, name: str) -> None:
    """Fail with a list of what is not equal between `rich` and its copy."""
    for snapshot in ("first", "second", ""):
        wanted = describe(rootfs(world.server(source), source_pool, "rich", snapshot))
        found = describe(rootfs(world.server(target), target_pool, name, snapshot))
        if "l" in (source, target):
            wanted, found = as_lxd_carries(wanted), as_lxd_carries(found)
        lines = differences(wanted, found)
        assert lines == [], f"snapshot {snapshot!r}:\n" + "\n".join(lines)


def restore_and_start(server: Server, name: str) -> None:
    """The copy starts, and its snapshot can be restored there."""
    server.lxc.run("start", name)
    assert server.lxc.run("exec", name, "--", "cat", "/data/only-main") == "main"
    server.lxc.run("restore", name, "first")
    server.lxc.run("exec", name, "--", "sh", "-c", "test -e /data/file && test ! -e /data/only-second")
    assert server.lxc.run("exec", name, "--", "stat", "-c", "%u %g", "/data/owned").split() == ["1000", "1001"]


WAYS = [("h", "i"), ("h", "l"), ("l", "h")]
POOLS = [("default", "default"), ("bt", "bt"), ("default", "bt"), ("bt", "default")]


@pytest.mark.parametrize(("source_pool", "target_pool"), POOLS)
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_copy(world: World, source: str, target: str, source_pool: str, target_pool: str) -> None:
    try:
        make_rich_instance(world.server(source), source_pool)
        world.lxc.run("copy", f"{source}:rich", f"{target}:taken", "-s", target_pool, "--mode", "relay")
        compare(world, source, source_pool, target, target_pool, "taken")
        shown = json.loads(world.server(target).lxc.run("query", "/1.0/instances/taken?recursion=1"))
        assert shown["config"]["user.note"] == "kept: yes"
        assert [snapshot["name"] for snapshot in shown["snapshots"]] == ["first", "second"]
        restore_and_start(world.server(target), "taken")
    finally:
        world.server(source).lxc.run("delete", "--force", "rich", expect=None)
        world.server(target).lxc.run("delete", "--force", "taken", expect=None)
