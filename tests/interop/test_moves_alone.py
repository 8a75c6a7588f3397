"""`lxc move --instance-only` on one server: which snapshots are left, beside real LXD."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxdServer, require_lxd

pytestmark = [pytest.mark.root]
Place = tuple[str, str, str, list[str]]
WAYS = {
    "rename": ("c2",),
    "pool": ("-s", "bt"),
    "pool and name": ("c2", "-s", "bt"),
    "same pool": ("-s", "default"),
    "same pool and name": ("c2", "-s", "default"),
    "project": ("--target-project", "blue"),
}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[HoldfastServer, LxdServer]]:
    require_lxd()
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as ours, LxdServer(directory / "l") as theirs:
        for server in (ours, theirs):
            server.lxc.run("image", "import", image, "--alias", "tiny")
            server.lxc.run("project", "create", "blue", "-c", "features.images=false", "-c", "features.profiles=false")
        yield ours, theirs
        for server in (ours, theirs):
            server.lxc.run("project", "delete", "blue")
    shutil.rmtree(directory)


@pytest.mark.parametrize("way", WAYS)
def test_which_snapshots_are_left(servers: tuple[HoldfastServer, LxdServer], way: str) -> None:
    ours, theirs = servers
    found = _moved(ours, *WAYS[way])
    assert found == _moved(theirs, *WAYS[way])
    ((_, _, _, snapshots),) = found
    assert snapshots == (["s0"] if way == "rename" else [])


def _moved(server: HoldfastServer | LxdServer, *where: str) -> list[Place]:
    """Move an instance that has a snapshot; return where it is then, and with which snapshots."""
    server.lxc.run("init", "tiny", "c1", "-s", "default")
    server.lxc.run("snapshot", "c1", "s0")
    server.lxc.run("move", "c1", *where, "--instance-only")
    places: list[Place] = []
    for project in ("default", "blue"):
        for each in json.loads(server.lxc.run("query", f"/1.0/instances?recursion=2&project={project}")):
            snapshots = [snapshot["name"] for snapshot in each["snapshots"] or []]
            places.append((project, each["name"], each["expanded_devices"]["root"]["pool"], snapshots))
            server.lxc.run("delete", each["name"], "--project", project)
    return places
