"""Export files cross between Holdfast and the distribution's real LXD 5.0.2, both ways, and lose nothing.

The trees hold every kind of entry (`support.trees.make_rich_tree`) and are compared entry by entry on disk, before any
start: owners, modes, times, xattrs, ACLs, capabilities, hard links, devices, sparse files, symlinks, odd names.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxdServer, require_lxd
from support.pools import rootfs
from support.rich import Server, make_rich_instance
from support.trees import describe, differences

MAKE_SETUID = "echo x > /root/mine; chown 1000:1001 /root/mine; chmod 4755 /root/mine"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[HoldfastServer, LxdServer, Path]]:
    """Both servers with the image `tiny`, and a scratch directory."""
    require_lxd()
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as ours, LxdServer(directory / "l") as theirs:
        for server in (ours, theirs):
            server.lxc.run("image", "import", image, "--alias", "tiny")
        yield ours, theirs, directory
    shutil.rmtree(directory)


def compare(source: Server, source_pool: str, target: Server, target_pool: str, name: str) -> None:
    """Fail with a list of what is not equal between `rich` on the source and its import on the target."""
    for snapshot in ("first", "second", ""):
        found = differences(
            describe(rootfs(source, source_pool, "rich", snapshot)),
            describe(rootfs(target, target_pool, name, snapshot)),
            slack_ns=500_000_000 if isinstance(source, LxdServer) else 0,
        )
        assert found == [], f"snapshot {snapshot!r}:\n" + "\n".join(found)


def restore_and_start(server: Server, name: str) -> None:
    """The import starts, and its snapshot can be restored there."""
    server.lxc.run("start", name)
    assert server.lxc.heard(name, "cat", "/data/only-main") == "main"
    server.lxc.run("restore", name, "first")
    server.lxc.run("exec", name, "--", "sh", "-c", "test -e /data/file && test ! -e /data/only-second")
    assert server.lxc.heard(name, "stat", "-c", "%u %g", "/data/owned").split() == ["1000", "1001"]


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_ours_into_lxd(pair: tuple[HoldfastServer, LxdServer, Path], pool: str) -> None:
    ours, theirs, scratch = pair
    try:
        make_rich_instance(ours, pool)
        ours.lxc.run("export", "rich", scratch / "file", "--compression", "zstd")
        theirs.lxc.run("import", scratch / "file", "taken", "-s", pool)
        compare(ours, pool, theirs, pool, "taken")
        shown = theirs.lxc.yaml("config", "show", "taken")
        assert shown["config"]["user.note"] == "kept: yes"
        restore_and_start(theirs, "taken")
    finally:
        ours.lxc.run("delete", "--force", "rich", expect=None)
        theirs.lxc.run("delete", "--force", "taken", expect=None)


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_lxd_into_ours(pair: tuple[HoldfastServer, LxdServer, Path], pool: str) -> None:
    ours, theirs, scratch = pair
    try:
        make_rich_instance(theirs, pool)
        theirs.lxc.run("export", "rich", scratch / "file")
        ours.lxc.run("import", scratch / "file", "taken", "-s", pool)
        compare(theirs, pool, ours, pool, "taken")
        snapshots = json.loads(ours.lxc.run("query", "/1.0/instances/taken/snapshots?recursion=1"))
        assert [snapshot["name"] for snapshot in snapshots] == ["first", "second"]
        restore_and_start(ours, "taken")
    finally:
        theirs.lxc.run("delete", "--force", "rich", expect=None)
        ours.lxc.run("delete", "--force", "taken", expect=None)


def test_shifted_lxd_instance_into_ours(pair: tuple[HoldfastServer, LxdServer, Path]) -> None:
    """An instance that LXD has started keeps shifted ids on its disk; ours are those seen inside."""
    ours, theirs, scratch = pair
    try:
        theirs.lxc.run("launch", "tiny", "started")
        theirs.lxc.run("exec", "started", "--", "sh", "-c", MAKE_SETUID)
        theirs.lxc.run("stop", "started", "--force")
        theirs.lxc.run("export", "started", scratch / "file")
        ours.lxc.run("import", scratch / "file", "taken")
        info = (rootfs(ours, "default", "taken") / "root/mine").stat()
        assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (1000, 1001, 0o4755)
        assert (rootfs(ours, "default", "taken") / "sbin/init").stat().st_uid == 0
        ours.lxc.run("start", "taken")
        seen = ours.lxc.run("exec", "taken", "--", "stat", "-c", "%u %g %a", "/root/mine")
        assert seen.split() == ["1000", "1001", "4755"]
    finally:
        theirs.lxc.run("delete", "--force", "started", expect=None)
        ours.lxc.run("delete", "--force", "taken", expect=None)


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_ours_into_ours(pair: tuple[HoldfastServer, LxdServer, Path], pool: str) -> None:
    ours, _, scratch = pair
    other = {"default": "bt", "bt": "default"}[pool]
    try:
        make_rich_instance(ours, pool)
        ours.lxc.run("export", "rich", scratch / "file")
        ours.lxc.run("import", scratch / "file", "taken", "-s", other)
        compare(ours, pool, ours, other, "taken")
        restore_and_start(ours, "taken")
    finally:
        for name in ("rich", "taken"):
            ours.lxc.run("delete", "--force", name, expect=None)


def test_sparse_files_stay_sparse(pair: tuple[HoldfastServer, LxdServer, Path]) -> None:
    ours, _, scratch = pair
    try:
        make_rich_instance(ours, "default")
        ours.lxc.run("export", "rich", scratch / "file", "--compression", "none")
        ours.lxc.run("import", scratch / "file", "taken")
        info = (rootfs(ours, "default", "taken") / "data/sparse").stat()
        assert info.st_size == 8 * 2**20
        assert info.st_blocks * 512 < 2**20
    finally:
        for name in ("rich", "taken"):
            ours.lxc.run("delete", "--force", name, expect=None)


def test_real_lxd_takes_keys_that_only_we_know(pair: tuple[HoldfastServer, LxdServer, Path]) -> None:
    """It refuses unknown ones, so they are spelled as user keys; and they come back from it as they were."""
    ours, theirs, scratch = pair
    keys = {
        "snapshots.keep": "daily=7",
        "snapshots.expiry.manual": "1y",
        "snapshots.undo": "2d",
        "snapshots.schedules.nightly": "@daily",
        "snapshots.schedules.nightly.keep": "last=3",
    }
    ours.lxc.run("init", "tiny", "keys", *(word for name, value in keys.items() for word in ("-c", f"{name}={value}")))
    ours.lxc.run("snapshot", "keys", "one")
    ours.lxc.run("export", "keys", scratch / "keys.tar.gz")
    theirs.lxc.run("import", scratch / "keys.tar.gz")
    theirs.lxc.run("restore", "keys", "one")
    config = json.loads(theirs.lxc.run("query", "/1.0/instances/keys"))["config"]
    assert {config[f"user.holdfast.{name}"] for name in keys} == set(keys.values())
    theirs.lxc.run("export", "keys", scratch / "back.tar.gz")
    ours.lxc.run("import", scratch / "back.tar.gz", "back")
    config = json.loads(ours.lxc.run("query", "/1.0/instances/back"))["config"]
    assert {name: config.get(name) for name in keys} == keys
    assert not [name for name in config if name.startswith("user.holdfast.")]
    for server, name in ((ours, "keys"), (ours, "back"), (theirs, "keys")):
        server.lxc.run("delete", name)
