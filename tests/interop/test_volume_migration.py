"""Custom volumes cross between Holdfast and the distribution's real LXD 5.0.2, both ways, in every mode."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from support.between import POOLS, WAYS, World, as_lxd_carries, matrix, remotes_of, remove_volume, servers, ways
from support.pools import volume_tree as tree
from support.rich import Server, age
from support.trees import describe, differences, make_rich_tree


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with servers() as found:
        yield found


def make_volume(server: Server, pool: str) -> None:
    server.lxc.run("storage", "volume", "create", pool, "vol", "user.note=kept")
    make_rich_tree(tree(server, pool, "vol"))
    age(tree(server, pool, "vol"))
    server.lxc.run("storage", "volume", "snapshot", pool, "vol", "first")
    (tree(server, pool, "vol") / "data/file").unlink()
    (tree(server, pool, "vol") / "data/new").write_text("new")
    age(tree(server, pool, "vol"))


def compare(world: World, source: str, source_pool: str, target: str, target_pool: str, *snapshots: str) -> None:
    for snapshot in snapshots:
        wanted = describe(tree(world.server(source), source_pool, "vol", snapshot))
        found = describe(tree(world.server(target), target_pool, "taken", snapshot))
        if "l" in (source, target):
            wanted, found = as_lxd_carries(wanted), as_lxd_carries(found)
        lines = differences(wanted, found)
        assert lines == [], f"snapshot {snapshot!r}:\n" + "\n".join(lines)


@pytest.mark.parametrize(("source", "target", "source_pool", "target_pool", "mode"), matrix())
def test_copy(world: World, source: str, target: str, source_pool: str, target_pool: str, mode: str) -> None:
    one, other = remotes_of(source, target, mode)
    server = world.server(target)
    try:
        make_volume(world.server(source), source_pool)
        copy = ("storage", "volume", "copy", f"{one}:{source_pool}/vol", f"{other}:{target_pool}/taken")
        world.lxc.run(*copy, "--mode", mode)
        compare(world, source, source_pool, target, target_pool, "first", "")
        shown = json.loads(server.lxc.run("query", f"/1.0/storage-pools/{target_pool}/volumes/custom/taken"))
        assert shown["config"]["user.note"] == "kept"
        names = json.loads(server.lxc.run("query", f"/1.0/storage-pools/{target_pool}/volumes/custom/taken/snapshots"))
        assert [name.rpartition("/")[2] for name in names] == ["first"]
    finally:
        remove_volume(world.server(source), source_pool, "vol")
        remove_volume(server, target_pool, "taken")


@pytest.mark.parametrize("pool", ["default", "bt"])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_parts_and_refresh(world: World, source: str, target: str, pool: str) -> None:
    one, other = world.server(source), world.server(target)
    copy = ("storage", "volume", "copy", f"{source}:{pool}/vol")
    try:
        make_volume(one, pool)
        world.lxc.run(*copy, f"{target}:{pool}/alone", "--volume-only", "--mode", "relay")
        assert other.lxc.yaml("query", f"/1.0/storage-pools/{pool}/volumes/custom/alone/snapshots") == []
        world.lxc.run(*copy, f"{target}:{pool}/taken", "--mode", "relay")
        kept = tree(other, pool, "taken", "first").stat().st_ino
        (tree(one, pool, "vol") / "data/new").write_text("changed")
        age(tree(one, pool, "vol"))
        one.lxc.run("storage", "volume", "snapshot", pool, "vol", "second")
        (tree(one, pool, "vol") / "data/newer").write_text("newer")
        age(tree(one, pool, "vol"))
        world.lxc.run(*copy, f"{target}:{pool}/taken", "--refresh", "--mode", "relay")
        compare(world, source, pool, target, pool, "first", "second", "")
        assert tree(other, pool, "taken", "first").stat().st_ino == kept
        refused = world.lxc.result(*copy, f"{target}:{pool}/taken", "--mode", "relay")
        assert b"already exists" in refused.stderr
        world.lxc.run("storage", "volume", "move", f"{source}:{pool}/vol", f"{target}:{pool}/moved", "--mode", "relay")
        assert one.lxc.result("storage", "volume", "show", pool, "vol").returncode != 0
        assert (tree(other, pool, "moved") / "data/newer").read_text() == "newer"
    finally:
        remove_volume(one, pool, "vol")
        for name in ("alone", "taken", "moved"):
            remove_volume(other, pool, name)


@pytest.mark.parametrize(("source_pool", "target_pool"), POOLS)
@pytest.mark.parametrize(("source", "target"), ways())
def test_block_volume(world: World, source: str, target: str, source_pool: str, target_pool: str) -> None:
    one, other = world.server(source), world.server(target)
    content = os.urandom(100_000)
    try:
        one.lxc.run("storage", "volume", "create", source_pool, "vol", "size=8000000", "--type", "block")
        with (tree(one, source_pool, "vol") / "root.img").open("r+b") as disk:
            disk.seek(3_000_000)
            disk.write(content)
        one.lxc.run("storage", "volume", "snapshot", source_pool, "vol", "first")
        with (tree(one, source_pool, "vol") / "root.img").open("r+b") as disk:
            disk.write(content)
        copy = ("storage", "volume", "copy", f"{source}:{source_pool}/vol", f"{target}:{target_pool}/taken")
        world.lxc.run(*copy, "--mode", "relay")
        for snapshot in ("first", ""):
            wanted = (tree(one, source_pool, "vol", snapshot) / "root.img").read_bytes()
            found = tree(other, target_pool, "taken", snapshot) / "root.img"
            assert found.read_bytes() == wanted
        if target != "l":
            assert found.stat().st_blocks * 512 < 2**20
    finally:
        remove_volume(one, source_pool, "vol")
        remove_volume(other, target_pool, "taken")


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_threat_a_disk_larger_than_its_volume(world: World, pool: str) -> None:
    """By bytes and by streams: nothing of it stays."""
    one, other = world.server("h"), world.server("i")
    try:
        one.lxc.run("storage", "volume", "create", pool, "vol", "size=4MiB", "--type", "block")
        os.truncate(tree(one, pool, "vol") / "root.img", 5 * 2**20)
        refused = world.lxc.result("storage", "volume", "copy", f"h:{pool}/vol", f"i:{pool}/taken", "--mode", "relay")
        assert b"disk larger than 4194304 bytes" in refused.stderr
        assert other.lxc.result("storage", "volume", "show", pool, "taken").returncode != 0
    finally:
        remove_volume(one, pool, "vol")
