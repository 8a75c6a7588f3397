"""`holdfast copy` and `move` between two servers of ours and a real LXD, known as remotes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.between import World, remove, remove_volume, servers
from support.desk import Desk
from support.images import make_tiny_image
from support.pools import rootfs
from support.trees import describe, differences

pytestmark = [pytest.mark.root, pytest.mark.needs("rsync")]


@dataclass(frozen=True)
class Place(Desk):
    """A desk, and the servers that it knows."""

    world: World


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with servers() as world:
        found = Place(tmp_path_factory.mktemp("conf"), world)
        for name, server in (("h", world.ours), ("i", world.other), ("l", world.theirs)):
            found.know(name, server)
        world.ours.lxc.run("init", "tiny", "web", "-c", "user.note=kept")
        world.ours.lxc.run("snapshot", "web", "before")
        yield found


MODES = ["", "pull", "push", "relay"]


def same(desk: Place, target: str, snapshot: str = "", *, name: str = "web") -> list[str]:
    here = describe(rootfs(desk.world.ours, "default", "web", snapshot))
    return differences(here, describe(rootfs(desk.world.server(target), "default", name, snapshot)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", ["i", "l"])
def test_copy(desk: Place, target: str, mode: str) -> None:
    try:
        options = ["--mode", mode] if mode else []
        prefix = "" if mode == "relay" else "s"
        desk.must("copy", f"{prefix}h:web", f"{prefix}{target}:", "-c", "user.more=1", *options)
        assert (same(desk, target), same(desk, target, "before")) == ([], [])
        shown = json.loads(desk.world.server(target).lxc.run("query", "/1.0/instances/web"))
        assert (shown["config"]["user.note"], shown["config"]["user.more"]) == ("kept", "1")
    finally:
        remove(desk.world.server(target), "web")


def test_refresh_snapshot_and_move(desk: Place) -> None:
    ours, other = desk.world.ours, desk.world.other
    try:
        desk.must("copy", "sh:web", "si:web2", "--refresh")
        (rootfs(ours, "default", "web") / "root/new").write_text("new")
        ours.lxc.run("snapshot", "web", "later")
        desk.must("copy", "sh:web", "si:web2", "--refresh")
        assert (same(desk, "i", name="web2"), same(desk, "i", "later", name="web2")) == ([], [])
        desk.must("copy", "sh:web/before", "si:old", "-s", "bt")
        assert other.lxc.yaml("query", "/1.0/instances/old/snapshots") == []
        desk.must("move", "si:old", "sh:back")
        assert other.lxc.result("info", "old").returncode != 0
        ours.lxc.run("start", "back")
        refused = desk.run("move", "sh:back", "si:")
        assert refused.returncode != 0 and "stop it first" in refused.stderr
        desk.must("copy", "sh:back", "si:running", "--stateless", "--instance-only")
    finally:
        for name in ("web2", "old", "running"):
            remove(other, name)
        remove(ours, "back")


def listed(desk: Place, target: str, path: str) -> set[str]:
    """Return the names of the snapshots of what is at a path of the API."""
    urls = json.loads(desk.world.server(target).lxc.run("query", f"/1.0/{path}/snapshots"))
    return {url.rpartition("/")[2] for url in urls}


@pytest.mark.parametrize("mode", MODES)
def test_a_refresh_keeps_what_only_the_copy_has_unless_it_shall_prune(desk: Place, mode: str) -> None:
    """So a backup can be kept for longer; `lxc` gets what it gets from LXD."""
    ours, other, options = desk.world.ours, desk.world.other, ["--mode", mode] if mode else []
    refresh = ("copy", "sh:aged", "si:aged", "--refresh", *options)

    def go_on(taken: str, gone: str) -> None:
        ours.lxc.run("delete", f"aged/{gone}")
        (rootfs(ours, "default", "aged") / "root/x").write_text(taken)
        ours.lxc.run("snapshot", "aged", taken)

    try:
        ours.lxc.run("init", "tiny", "aged")
        ours.lxc.run("snapshot", "aged", "first")
        desk.must("copy", "sh:aged", "si:", *options)
        other.lxc.run("snapshot", "aged", "own")
        go_on("second", gone="first")
        desk.must(*refresh)
        assert listed(desk, "i", "instances/aged") == {"first", "own", "second"}
        assert (rootfs(other, "default", "aged", "second") / "root/x").read_text() == "second"
        go_on("third", gone="second")
        desk.must(*refresh, "--keep-snapshots", "--instance-only")
        assert listed(desk, "i", "instances/aged") == {"first", "own", "second"}
        ours.lxc.run("rename", "aged/third", "aged/own")
        refused = desk.run(*refresh)
        assert refused.returncode == 1 and "`holdfast rename aged/own aged/own-own`" in refused.stderr
        desk.must("snapshot", "hold", "si:aged/first")
        desk.must(*refresh, "--prune-snapshots")
        assert listed(desk, "i", "instances/aged") == {"first", "own"}
        assert (rootfs(other, "default", "aged", "own") / "root/x").read_text() == "third"
        desk.must("snapshot", "release", "si:aged/first")
        desk.world.lxc.run(*refresh)
        assert listed(desk, "i", "instances/aged") == {"own"}
    finally:
        remove(ours, "aged")
        remove(other, "aged")


@pytest.mark.parametrize("mode", MODES)
def test_so_does_one_of_a_volume(desk: Place, mode: str) -> None:
    ours, other, options = desk.world.ours, desk.world.other, ["--mode", mode] if mode else []
    copy = ("storage", "volume", "copy", "sh:default/aged", "si:bt/aged", *options)
    path = "storage-pools/bt/volumes/custom/aged"
    try:
        ours.lxc.run("storage", "volume", "create", "default", "aged")
        ours.lxc.run("storage", "volume", "snapshot", "default", "aged", "first")
        desk.must(*copy)
        other.lxc.run("storage", "volume", "snapshot", "bt", "aged", "own")
        ours.lxc.run("storage", "volume", "rename", "default", "aged/first", "aged/second")
        desk.must(*copy, "--refresh")
        assert listed(desk, "i", path) == {"first", "own", "second"}
        desk.must(*copy, "--refresh", "--prune-snapshots")
        assert listed(desk, "i", path) == {"second"}
    finally:
        remove_volume(ours, "default", "aged")
        remove_volume(other, "bt", "aged")


@pytest.mark.parametrize("way", ["si", "sl"])
def test_held_snapshots_of_a_volume_stay_held(desk: Place, way: str) -> None:
    """LXD keeps for us what it doesn't know."""
    volume, path = ("storage", "volume"), "/1.0/storage-pools/default/volumes/custom/{}/snapshots?recursion=1"
    try:
        desk.must(*volume, "create", "h:default", "held")
        for name in ("free", "kept"):
            desk.must(*volume, "snapshot", "h:default", "held", name)
        desk.must(*volume, "hold", "h:default", "held/kept")
        desk.must(*volume, "copy", "sh:default/held", f"{way}:default/held")
        desk.must(*volume, "copy", f"{way}:default/held", "sh:default/back")
        found = json.loads(desk.world.ours.lxc.run("query", path.format("back")))
        assert {each["name"].rpartition("/")[2]: each["held"] for each in found} == {"free": False, "kept": True}
    finally:
        for remote, name in (("h", "held"), ("h", "back"), (way[-1], "held")):
            desk.run(*volume, "release", f"{remote}:default", f"{name}/kept")
            remove_volume(desk.world.server(remote), "default", name)


def test_threat_lxd_removes_what_only_the_copy_has(desk: Place) -> None:
    """It passes over what it doesn't know: the command looks first, and says what would go."""
    ours, theirs = desk.world.ours, desk.world.theirs
    copies = {
        "instances/aged": ("copy", "sh:aged", "sl:aged"),
        "storage-pools/default/volumes/custom/aged": (
            "storage",
            "volume",
            "copy",
            "sh:default/aged",
            "sl:default/aged",
        ),
    }
    try:
        ours.lxc.run("init", "tiny", "aged")
        ours.lxc.run("storage", "volume", "create", "default", "aged")
        for name in ("first", "second"):
            ours.lxc.run("snapshot", "aged", name)
            ours.lxc.run("storage", "volume", "snapshot", "default", "aged", name)
        for path, copy in copies.items():
            desk.must(*copy, "--refresh")
            desk.must(*copy, "--refresh", "--keep-snapshots")
            without = "--instance-only" if copy[0] == "copy" else "--volume-only"
            refused = desk.run(*copy, "--refresh", without)
            assert refused.returncode == 1 and f"would remove first, second: leave {without} out" in refused.stderr
            ours.lxc.run(
                *(("delete",) if copy[0] == "copy" else ("storage", "volume", "delete", "default")), "aged/first"
            )
            refused = desk.run(*copy, "--refresh")
            assert refused.returncode == 1 and "would remove first: rather copy to another name" in refused.stderr
            assert listed(desk, "l", path) == {"first", "second"}
            desk.must(*copy, "--refresh", "--prune-snapshots")
            assert listed(desk, "l", path) == {"second"}
    finally:
        for server in (ours, theirs):
            remove(server, "aged")
            remove_volume(server, "default", "aged")


def test_incremental_files_and_refreshes_know_the_same_snapshots(desk: Place, tmp_path: Path) -> None:
    """A file builds on what a copy brought, a refresh on what files brought; each is told what the other has."""
    ours, other = desk.world.ours, desk.world.other

    def go_on(text: str) -> None:
        (rootfs(ours, "bt", "grown") / "root/x").write_text(text)
        ours.lxc.run("snapshot", "grown", text)

    def compare(*snapshots: str) -> None:
        for name in (*snapshots, ""):
            one, copy = rootfs(ours, "bt", "grown", name), rootfs(other, "bt", "grown", name)
            assert differences(describe(one), describe(copy)) == [], name

    try:
        ours.lxc.run("init", "tiny", "grown", "-s", "bt")
        (rootfs(ours, "bt", "grown") / "root/big").write_bytes(os.urandom(2**20))
        go_on("one")
        desk.must("copy", "sh:grown", "si:", "-s", "bt")
        go_on("two")
        desk.must("export", "h:grown", str(tmp_path / "two"), "--since", "one")
        assert (tmp_path / "two").stat().st_size < 2**20
        assert "snapshot one" in desk.must("backup", "verify", str(tmp_path / "two"))
        refused = desk.run("import", "i:", str(tmp_path / "two"))
        assert refused.returncode == 1 and 'snapshot "one" of "grown"' in refused.stderr
        desk.must("import", "i:", str(tmp_path / "two"), "--onto", "grown")
        compare("one", "two")
        go_on("three")
        desk.must("copy", "sh:grown", "si:grown", "--refresh")
        compare("one", "two", "three")
        go_on("four")
        desk.must("export", "h:grown", str(tmp_path / "four"), "--since", "three")
        desk.must("import", "i:", str(tmp_path / "four"), "--onto", "grown")
        compare("one", "two", "three", "four")
    finally:
        remove(ours, "grown")
        remove(other, "grown")


def test_trees_that_were_filled_side_by_side(desk: Place) -> None:
    """Snapshots that came from another kind of storage have no history in btrfs: they cross whole, then differences."""
    ours, other = desk.world.ours, desk.world.other
    try:
        desk.must("init", "h:tiny", "h:plain")
        for name in ("one", "two"):
            link = rootfs(ours, "default", "plain") / "root/last"
            link.unlink(missing_ok=True)
            link.symlink_to(name)
            desk.must("snapshot", "h:plain", name)
        desk.must("copy", "h:plain", "h:moved", "-s", "bt")
        desk.must("copy", "sh:moved", "si:", "-s", "bt")
        (rootfs(ours, "bt", "moved") / "root/three").mkdir()
        desk.must("snapshot", "h:moved", "three")
        desk.must("copy", "sh:moved", "si:moved", "--refresh")
        for name in ("one", "two", "three", ""):
            one, copy = rootfs(ours, "bt", "moved", name), rootfs(other, "bt", "moved", name)
            assert differences(describe(one), describe(copy)) == [], name
    finally:
        for name in ("plain", "moved"):
            remove(ours, name)
        remove(other, "moved")


@pytest.mark.parametrize("mode", MODES)
def test_volumes(desk: Place, mode: str) -> None:
    ours, other = desk.world.ours, desk.world.other
    try:
        ours.lxc.run("storage", "volume", "create", "default", "data", "snapshots.expiry=1d")
        tree = ours.directory / "storage-pools/default/custom/default_data"
        (tree / "file").write_text("one")
        ours.lxc.run("storage", "volume", "snapshot", "default", "data", "first")
        (tree / "file").write_text("two")
        options = ["--mode", mode] if mode else []
        desk.must("storage", "volume", "copy", "sh:default/data", "si:bt/copied", *options)
        desk.must("storage", "volume", "copy", "sh:default/data/first", "si:default/old", *options)
        desk.must("storage", "volume", "move", "sh:default/data", "si:default/moved", *options)
        pools = other.directory / "storage-pools"
        assert (pools / "bt/custom/default_copied/file").read_text() == "two"
        assert (pools / "bt/custom-snapshots/default_copied/first/file").read_text() == "one"
        assert (pools / "default/custom/default_old/file").read_text() == "one"
        assert (pools / "default/custom/default_moved/file").read_text() == "two"
        assert ours.lxc.result("storage", "volume", "show", "default", "data").returncode != 0
    finally:
        remove_volume(ours, "default", "data")
        for pool, name in (("bt", "copied"), ("default", "old"), ("default", "moved")):
            remove_volume(other, pool, name)


def test_a_server_that_does_not_listen(desk: Place) -> None:
    """Without a mode the way that is possible is taken; a mode that isn't possible is refused with what to do."""
    other = desk.world.other
    address = json.loads(other.lxc.run("query", "/1.0"))["config"]["core.https_address"]
    try:
        other.lxc.run("config", "unset", "core.https_address")
        refused = desk.run("copy", "sh:web", "i:web", "--mode", "push")
        assert refused.returncode != 0 and "isn't listening" in refused.stderr
        desk.must("copy", "h:web", "i:web")
        desk.must("move", "i:web", "h:again")
    finally:
        other.lxc.run("config", "set", f"core.https_address={address}")
        remove(other, "web")
        remove(desk.world.ours, "again")


def test_what_the_other_server_refuses_is_told(desk: Place) -> None:
    done = desk.run("copy", "sh:web", "si:web", "-s", "no-such-pool")
    assert done.returncode != 0
    assert "pool" in done.stderr
    done = desk.run("copy", "sh:absent", "si:web")
    assert "not found" in done.stderr


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", ["si", "sl"])
def test_images(desk: Place, target: str, mode: str) -> None:
    """To a server of ours and to LXD. The machine of the command takes part where it is told to."""
    server = desk.world.server(target[1:])
    server.lxc.run("image", "delete", "tiny", expect=None)
    options = ["--mode", mode] if mode else []
    said = desk.must("image", "copy", "sh:tiny", f"{target}:", "--copy-aliases", "--alias", "second", *options)
    try:
        images = json.loads(server.lxc.run("image", "list", "--format", "json"))
        (found,) = [each for each in images if each["fingerprint"] in said]
        assert {each["name"] for each in found["aliases"]} == {"tiny", "second"}
        again = desk.run("image", "copy", "sh:tiny", f"{target}:", "--copy-aliases", *options)
        if mode in ("", "pull"):
            assert again.returncode == 0, again.stderr  # it is there, and that is what was asked for
        else:
            assert "already exists" in again.stderr
    finally:
        server.lxc.run("image", "alias", "delete", "second", expect=None)


@pytest.mark.parametrize("mode", MODES)
def test_an_image_whose_alias_another_one_has(desk: Place, mode: str, tmp_path: Path) -> None:
    server, options = desk.world.other, ["--mode", mode] if mode else []
    server.lxc.run("image", "delete", "tiny", expect=None)
    server.lxc.run("image", "import", make_tiny_image(tmp_path / "o.tar.gz", applets=["sh"]), "--alias", "taken")
    before = server.lxc.run("image", "list", "--format", "csv")
    try:
        refused = desk.run("image", "copy", "sh:tiny", "si:", "--alias", "taken", *options)
        assert 'The alias "taken" is that of image' in refused.stderr
        assert "`holdfast image alias delete si:NAME`" in refused.stderr
        assert server.lxc.run("image", "list", "--format", "csv") == before
    finally:
        server.lxc.run("image", "delete", "taken")


def test_an_image_of_a_server_that_does_not_listen_goes_through_the_client(desk: Place) -> None:
    ours, other = desk.world.ours, desk.world.other
    address = json.loads(ours.lxc.run("query", "/1.0"))["config"]["core.https_address"]
    ours.lxc.run("config", "unset", "core.https_address")
    try:
        other.lxc.run("image", "delete", "tiny", expect=None)
        refused = desk.run("image", "copy", "h:tiny", "i:", "--mode", "pull")
        assert "source server isn't listening" in refused.stderr
        desk.must("image", "copy", "h:tiny", "i:", "--copy-aliases")
        assert "tiny" in other.lxc.run("image", "alias", "list", "--format", "csv")
    finally:
        ours.lxc.run("config", "set", "core.https_address", address)


@pytest.mark.parametrize("target", ["si", "sl"])
def test_an_instance_of_an_image_that_another_server_has(desk: Place, target: str) -> None:
    """The server fetches the image; where it can't, what helps is told."""
    server = desk.world.server(target[1:])
    server.lxc.run("image", "delete", "tiny", expect=None)
    try:
        said = desk.must("init", "sh:tiny", f"{target}:fetched", "-c", "user.note=made")
        assert "Creating fetched" in said
        shown = json.loads(server.lxc.run("query", "/1.0/instances/fetched"))
        (image,) = json.loads(server.lxc.run("query", "/1.0/images?recursion=1"))
        assert (shown["config"]["user.note"], shown["config"]["volatile.base_image"]) == ("made", image["fingerprint"])
        assert (image["cached"], image["aliases"]) == (True, [])
        assert "not found" in desk.run("init", "sh:nosuch", f"{target}:other").stderr
        desk.must("remote", "switch", target)
        desk.must("init", "sh:tiny", "unsaid")
        assert json.loads(server.lxc.run("query", "/1.0/instances/unsaid"))["status"] == "Stopped"
        assert "An image server is not needed" in desk.run("init", "images:debian/12", "unsaid2").stderr
    finally:
        desk.must("remote", "switch", "local")
        remove(server, "unsaid")
        remove(server, "fetched")
        server.lxc.run("image", "delete", image["fingerprint"])
        desk.must("image", "copy", "sh:tiny", f"{target}:", "--copy-aliases")
