"""Optimized exports of zfs cross between Holdfast and real LXD 5.0.2, where the kernel has ZFS."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.host import mounts, zfs
from holdfast.host.processes import run
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxdServer, require_lxd
from support.pools import rootfs
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("setfacl")]

Server = HoldfastServer | LxdServer
BOTH = ["ours", "theirs"]
SNAPSHOTS = ["first", "second", ""]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    """Both servers, each with an instance `rich` with two snapshots on a zfs pool."""
    if zfs.module_version() is None:
        pytest.skip("the kernel has no zfs")
    require_lxd()
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as ours, LxdServer(directory / "l") as theirs:
        found: dict[str, Server] = {"ours": ours, "theirs": theirs}
        try:
            for who, server in found.items():
                server.lxc.run("storage", "create", "z", "zfs", "size=1GiB", f"zfs.pool_name=hf-{who}")
                server.lxc.run("image", "import", image, "--alias", "tiny")
                make_instance(who, server)
            yield found
        finally:
            for server in found.values():
                for name in ("taken", "rich"):
                    server.lxc.run("delete", "--force", name, expect=None)
                server.lxc.run("image", "delete", "tiny", expect=None)
                server.lxc.run("storage", "delete", "z", expect=None)
    shutil.rmtree(directory)


@contextmanager
def shown(who: str, server: Server, name: str, snapshot: str = "") -> Iterator[Path]:
    """Give a root file system; LXD mounts its datasets when they are in use only."""
    if isinstance(server, HoldfastServer):
        yield rootfs(server, "z", name, snapshot)
        return
    place = server.directory / "shown"
    place.mkdir(exist_ok=True)
    dataset = f"hf-{who}/containers/{name}" + (f"@snapshot-{snapshot}" if snapshot else "")
    run(["mount", "-t", "zfs", dataset, place])
    try:
        yield place / "rootfs"
    finally:
        mounts.unmount(place)


def make_instance(who: str, server: Server) -> None:
    server.lxc.run("init", "tiny", "rich", "-s", "z", "-c", "user.note=kept: yes")
    with shown(who, server, "rich") as top:
        make_rich_tree(top)
        (top / "data/only-first").write_text("first")
    server.lxc.run("snapshot", "rich", "first")
    with shown(who, server, "rich") as top:
        (top / "data/only-second").write_text("second")
    server.lxc.run("snapshot", "rich", "second")
    with shown(who, server, "rich") as top:
        (top / "data/only-main").write_text("main")
        (top / "data/file").unlink()


@pytest.mark.parametrize("instance_only", [False, True], ids=["snapshots", "instance only"])
@pytest.mark.parametrize(("source", "target"), [("ours", "theirs"), ("theirs", "ours"), ("ours", "ours")])
def test_streams_cross(
    servers: dict[str, Server], tmp_path: Path, source: str, target: str, *, instance_only: bool
) -> None:
    one, other = servers[source], servers[target]
    options = ("--instance-only",) if instance_only else ()
    one.lxc.run("export", "rich", tmp_path / "file", "--optimized-storage", "--compression", "none", *options)
    other.lxc.run("import", tmp_path / "file", "taken", "-s", "z")
    try:
        for snapshot in ("",) if instance_only else SNAPSHOTS:
            with shown(source, one, "rich", snapshot) as before, shown(target, other, "taken", snapshot) as after:
                found = differences(describe(before), describe(after))
            assert found == [], f"snapshot {snapshot!r}:\n" + "\n".join(found)
        assert other.lxc.yaml("config", "show", "taken")["config"]["user.note"] == "kept: yes"
        if not instance_only:
            other.lxc.run("restore", "taken", "second" if target == "theirs" else "first")
            with shown(target, other, "taken") as top:
                assert (top / "data/file").exists()
        if target == "ours":  # a virtual machine that has ZFS may lack what LXD wants for a start
            other.lxc.run("start", "taken")
            other.lxc.run("exec", "taken", "--", "test", "-e", "/data/sparse")
    finally:
        other.lxc.run("delete", "--force", "taken", expect=None)


def test_the_members_are_those_of_lxd(servers: dict[str, Server], tmp_path: Path) -> None:
    names = {}
    for who in BOTH:
        servers[who].lxc.run("export", "rich", tmp_path / who, "--optimized-storage", "--compression", "none")
        with tarfile.open(tmp_path / who) as tar:
            names[who] = [member.name for member in tar if member.name != "backup/manifest.yaml"]
    assert names["ours"] == names["theirs"]
