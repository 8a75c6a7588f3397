"""`kill -9` of the server at every named point of exports and imports with volumes: all of it is there, or nothing.

As in `test_kill.py`: one crash point is armed, the change is asked for, the server dies and is started again; records
and storage agree, no instance is left frozen, and the change can be done again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import FEW_APPLETS, make_tiny_image
from support.invariants import violations
from support.kills import cases, kill_at

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs", "busybox")]


@dataclass(frozen=True)
class Scene:
    """A server; the pool under test and the other one.

    `box` runs, and shows `vol` of the pool and `far` of the other pool; all hold "new". `plain` and `streams` are
    export files of all three with "old" in them and in their snapshot `one`.
    """

    server: HoldfastServer
    cli: Cli
    pool: str
    other: str
    directory: Path

    def tree(self, name: str) -> Path:
        pool = self.other if name.startswith("far") else self.pool
        return self.server.directory / "storage-pools" / pool / f"custom/default_{name}"

    def write(self, text: str) -> None:
        self.server.lxc.run("file", "push", "-", "box/root/data", stdin=text)
        for name in ("vol", "far"):
            (self.tree(name) / "data").write_text(text)

    def contents(self, instance: str, *volumes: str) -> set[str]:
        read = self.server.lxc.run("file", "pull", f"{instance}/root/data", "-")
        return {read, *((self.tree(name) / "data").read_text() for name in volumes)}

    def sources(self, instance: str) -> tuple[str, str]:
        devices = json.loads(self.server.lxc.run("query", f"/1.0/instances/{instance}"))["devices"]
        return devices["vol"]["source"], devices["far"]["source"]

    def names(self) -> set[str]:
        return set(self.server.lxc.run("list", "--format", "csv", "-c", "n").split())

    def volumes(self) -> set[str]:
        found = set()
        for pool in (self.pool, self.other):
            listed = json.loads(self.server.lxc.run("query", f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1"))
            found |= {each["name"] for each in listed if "/" not in each["name"]}
        return found

    def bring(self, file: str, name: str, *options: str) -> object:
        renamed = ("-d", "vol,source=vol-new", "-d", "far,source=far-new")
        return self.cli.result("import", self.directory / file, name, *renamed, *options)


ACTIONS: dict[str, tuple[str, Callable[[Scene], object]]] = {
    "export": (
        "backup-create",
        lambda s: s.cli.result("export", "box", s.directory / "again", "--with-volumes", "--staged"),
    ),
    "export stream": (
        "export-stream",
        lambda s: s.cli.result("export", "box", s.directory / "again", "--with-volumes"),
    ),
    "export frozen": (
        "export-volumes",
        lambda s: s.cli.result("export", "box", s.directory / "again", "--with-volumes", "--staged"),
    ),
    "export stream frozen": (
        "export-volumes",
        lambda s: s.cli.result("export", "box", s.directory / "again", "--with-volumes"),
    ),
    "import": ("instance-import", lambda s: s.bring("plain", "new")),
    "import streams": ("instance-import", lambda s: s.bring("streams", "new")),
    "replace": ("instance-replace", lambda s: s.bring("plain", "box", "--replace")),
    "replace streams": ("instance-replace", lambda s: s.bring("streams", "box", "--replace")),
    "test": ("backup-test", lambda s: s.cli.result("backup", "test", s.directory / "plain")),
}


@pytest.fixture(scope="module", params=["default", "bt"])
def bare(request: pytest.FixtureRequest) -> Iterator[Scene]:
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run(
            "image", "import", make_tiny_image(directory / "tiny.tar.gz", applets=FEW_APPLETS), "--alias", "tiny"
        )
        other = "bt" if request.param == "default" else "default"
        yield Scene(server, Cli(server.socket), request.param, other, directory)
    shutil.rmtree(directory)


@pytest.fixture
def scene(bare: Scene) -> Iterator[Scene]:
    cli = bare.cli
    cli.run("init", "tiny", "box", "-s", bare.pool)
    for name, pool in (("vol", bare.pool), ("far", bare.other)):
        cli.run("storage", "volume", "create", pool, name)
        cli.run("storage", "volume", "attach", pool, name, "box", f"/{name}")
    if not (bare.directory / "plain").exists():
        bare.write("old")
        cli.run("snapshot", "box", "one", "--disk-volumes=all-exclusive")
        cli.run("export", "box", bare.directory / "plain", "--with-volumes")
        cli.run("export", "box", bare.directory / "streams", "--with-volumes", "--optimized-storage")
    bare.write("new")
    cli.run("start", "box")
    yield bare
    for name in bare.names():
        bare.server.lxc.run("delete", "--force", name, expect=None)
    for pool in (bare.pool, bare.other):
        for name in bare.volumes():
            cli.result("storage", "volume", "delete", pool, name)
    assert violations(bare.server) == []


@pytest.mark.long
@pytest.mark.parametrize(("point", "action"), cases(ACTIONS))
def test_kill(scene: Scene, point: str, action: str) -> None:
    server = scene.server
    kill_at(server, point, lambda: ACTIONS[action][1](scene))

    assert violations(server) == []
    _check(scene, action)
    ACTIONS[action][1](scene)
    _check_done(scene, action)
    assert violations(server) == []


def _check(scene: Scene, action: str) -> None:
    """All is as it was, or all of the file is there; what ran runs."""
    assert scene.server.lxc.run("list", "box", "--format", "csv", "-c", "s").strip() == "RUNNING"
    names, volumes = scene.names(), scene.volumes()
    if scene.sources("box") == ("vol", "far"):
        assert scene.contents("box", "vol", "far") == {"new"}
    else:
        assert action.startswith("replace")
        assert scene.contents("box", "vol-new", "far-new") == {"old"}
    if action.startswith("replace"):
        assert names == {"box"}
        assert volumes in ({"vol", "far"}, {"vol", "far", "vol-new", "far-new"})
        assert ("vol-new" in volumes) == (scene.sources("box") == ("vol-new", "far-new"))
    else:
        assert (names, volumes) in (
            ({"box"}, {"vol", "far"}),
            ({"box", "new"}, {"vol", "far", "vol-new", "far-new"}),
        )
    assert not (scene.directory / "again").exists()


def _check_done(scene: Scene, action: str) -> None:
    if action.startswith("import"):
        assert scene.contents("new", "vol-new", "far-new") == {"old"}
    elif action.startswith("replace"):
        assert scene.contents("box", "vol-new", "far-new") == {"old"}
    elif action.startswith("export"):
        scene.cli.run("backup", "verify", scene.directory / "again")
        (scene.directory / "again").unlink()
    assert scene.volumes() <= {"vol", "far", "vol-new", "far-new"}
