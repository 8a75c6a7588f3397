"""Incremental exports and imports, killed and failing at every named point: the instance is the old or the new one.

As in `test_kill.py`: one point is armed, the change is asked for; the server dies there and is started again, or the
step fails as a system call does. Records and storage agree then, and the change can be done again.
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
from support.kills import cases, fail_at, kill_at

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs", "busybox")]


@dataclass(frozen=True)
class Scene:
    """`web` has the snapshots `one` and `two`; `copy` runs, and has what `web` was at `one`.

    `base` and `newer` are the files of it: `newer` holds what came after `one`.
    """

    server: HoldfastServer
    cli: Cli
    directory: Path

    def read(self, name: str) -> str:
        return self.server.lxc.run("file", "pull", f"{name}/root/data", "-")

    def snapshots(self, name: str) -> set[str]:
        found = json.loads(self.server.lxc.run("query", f"/1.0/instances/{name}/snapshots"))
        return {url.rpartition("/")[2] for url in found}


ACTIONS: dict[str, tuple[str, Callable[[Scene], object]]] = {
    "export": (
        "backup-create",
        lambda s: s.cli.result("export", "web", s.directory / "again", "--since", "one", "--staged"),
    ),
    "export stream": (
        "export-stream",
        lambda s: s.cli.result("export", "web", s.directory / "again", "--since", "one"),
    ),
    "onto": ("instance-replace", lambda s: s.cli.result("import", s.directory / "newer", "--onto", "copy")),
}


@pytest.fixture(scope="module")
def bare() -> Iterator[Scene]:
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        cli = Cli(server.socket)
        server.lxc.run(
            "image", "import", make_tiny_image(directory / "tiny.tar.gz", applets=FEW_APPLETS), "--alias", "tiny"
        )
        cli.run("init", "tiny", "web", "-s", "bt")
        server.lxc.run("file", "push", "-", "web/root/data", stdin="old")
        cli.run("snapshot", "web", "one")
        cli.run("export", "web", directory / "base", "--optimized-storage")
        server.lxc.run("file", "push", "-", "web/root/data", stdin="new")
        cli.run("snapshot", "web", "two")
        cli.run("export", "web", directory / "newer", "--since", "one")
        yield Scene(server, cli, directory)
    shutil.rmtree(directory)


@pytest.fixture
def scene(bare: Scene) -> Iterator[Scene]:
    bare.cli.run("import", bare.directory / "base", "copy", "--start")
    yield bare
    bare.cli.run("delete", "--force", "copy")
    (bare.directory / "again").unlink(missing_ok=True)
    assert violations(bare.server) == []


@pytest.mark.long
@pytest.mark.parametrize(("point", "action"), cases(ACTIONS))
def test_kill(scene: Scene, point: str, action: str) -> None:
    kill_at(scene.server, point, lambda: ACTIONS[action][1](scene))
    _check(scene, action)


@pytest.mark.long
@pytest.mark.parametrize("errno_name", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(("point", "action"), cases(ACTIONS))
def test_failure(scene: Scene, point: str, action: str, errno_name: str) -> None:
    fail_at(scene.server, point, errno_name, lambda: ACTIONS[action][1](scene))
    _check(scene, action)


def _check(scene: Scene, action: str) -> None:
    """All is as it was, or all of the file is there; then it is done again."""
    server = scene.server
    assert violations(server) == []
    assert server.lxc.run("list", "copy", "--format", "csv", "-c", "s").strip() == "RUNNING"
    state = (scene.read("copy"), scene.snapshots("copy"))
    assert state in (("old", {"one"}), ("new", {"one", "two"}))
    assert action == "onto" or state[0] == "old"
    assert (scene.read("web"), scene.snapshots("web")) == ("new", {"one", "two"})
    ACTIONS[action][1](scene)
    if action == "onto":
        assert (scene.read("copy"), scene.snapshots("copy")) == ("new", {"one", "two"})
    else:
        assert "snapshot one" in scene.cli.run("backup", "verify", scene.directory / "again")
    assert violations(server) == []
