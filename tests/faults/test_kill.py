"""`kill -9` of the server at every named point of every change: after the restart nothing is half there.

Each test arms one crash point, asks for the change, sees the server die, starts it again, and checks: records and
storage agree, the witness still runs, what was there before is whole, and the change can be done again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.service.crashpoints import ALL_POINTS
from support.holdfast import HoldfastServer, short_directory
from support.images import FEW_APPLETS, make_tiny_image
from support.invariants import violations
from support.kills import cases, kill_at, kind_of
from support.lxd import require_lxd

Act = Callable[[HoldfastServer, str, Path], object]


def _export(server: HoldfastServer, _pool: str, scratch: Path) -> object:
    return server.lxc.result("export", "victim", scratch / "again.tar.gz")


def _rename_export(server: HoldfastServer, _pool: str, _: Path) -> object:
    backups = "/1.0/instances/victim/backups"
    server.lxc.result("query", "--wait", "-X", "POST", "-d", '{"name": "b0"}', backups)
    return server.lxc.result("query", "--wait", "-X", "POST", "-d", '{"name": "moved"}', f"{backups}/b0")


ACTIONS: dict[str, tuple[str, Act]] = {
    "create": ("instance-create", lambda server, pool, _: server.lxc.result("init", "tiny", "new", "-s", pool)),
    "copy": ("instance-create", lambda server, pool, _: server.lxc.result("copy", "victim", "new", "-s", pool)),
    "import": (
        "instance-import",
        lambda server, pool, scratch: server.lxc.result("import", scratch / "victim.tar.gz", "new", "-s", pool),
    ),
    "backup test": (
        "backup-test",
        lambda server, pool, scratch: server.holdfast("backup", "test", scratch / "victim.tar.gz", "-s", pool),
    ),
    "replace": (
        "instance-replace",
        lambda server, _pool, scratch: server.holdfast("import", scratch / "older.tar.gz", "--replace"),
    ),
    "delete": ("instance-delete", lambda server, _pool, _: server.lxc.result("delete", "victim")),
    "rename": ("instance-rename", lambda server, _pool, _: server.lxc.result("rename", "victim", "new")),
    "snapshot": ("snapshot-create", lambda server, _pool, _: server.lxc.result("snapshot", "victim", "two")),
    "snapshot delete": ("snapshot-delete", lambda server, _pool, _: server.lxc.result("delete", "victim/one")),
    "snapshot rename": (
        "snapshot-rename",
        lambda server, _pool, _: server.lxc.result("rename", "victim/one", "victim/uno"),
    ),
    "restore": ("restore", lambda server, _pool, _: server.lxc.result("restore", "victim", "one")),
    "undo": ("restore", lambda server, _pool, _: server.holdfast("restore", "victim", "--undo")),
    "export": ("backup-create", _export),
    "export clean-up": ("backup-delete", _export),
    "export stream": (
        "export-stream",
        lambda server, _pool, scratch: server.holdfast("export", "victim", scratch / "again.tar.gz"),
    ),
    "backup rename": ("backup-rename", _rename_export),
}


@pytest.fixture(scope="module", params=["default", "bt"])
def scene(request: pytest.FixtureRequest) -> Iterator[tuple[HoldfastServer, str, Path]]:
    """A server with a running witness and the image `tiny`; the pool under test; a scratch directory."""
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run(
            "image", "import", make_tiny_image(directory / "tiny.tar.gz", applets=FEW_APPLETS), "--alias", "tiny"
        )
        server.lxc.run("launch", "tiny", "witness", "-s", request.param)
        yield server, request.param, directory
    shutil.rmtree(directory)


@pytest.fixture
def victim(scene: tuple[HoldfastServer, str, Path]) -> Iterator[None]:
    """A stopped instance `victim`: snapshot `one` holds "old", the instance itself "new"; and a file of it."""
    server, pool, scratch = scene
    lxc = server.lxc
    lxc.run("init", "tiny", "victim", "-s", pool)
    lxc.run("file", "push", "-", "victim/root/data", stdin="old")
    lxc.run("snapshot", "victim", "one")
    if not (scratch / "older.tar.gz").exists():
        lxc.run("export", "victim", scratch / "older.tar.gz")
    lxc.run("file", "push", "-", "victim/root/data", stdin="new")
    if not (scratch / "victim.tar.gz").exists():
        lxc.run("export", "victim", scratch / "victim.tar.gz")
    yield
    for name in ("victim", "new"):
        lxc.run("delete", "--force", name, expect=None)


@pytest.mark.long
@pytest.mark.usefixtures("victim")
@pytest.mark.parametrize(("point", "action"), cases(ACTIONS))
def test_kill(scene: tuple[HoldfastServer, str, Path], point: str, action: str) -> None:
    server, pool, scratch = scene
    witness = server.lxc.run("exec", "witness", "--", "sh", "-c", "echo $PPID; cut -d' ' -f22 /proc/1/stat")
    if action == "undo":
        server.lxc.run("restore", "victim", "one")
        server.lxc.run("file", "push", "-", "victim/root/data", stdin="later")
    kill_at(server, point, lambda: ACTIONS[action][1](server, pool, scratch))

    assert violations(server) == []
    assert server.lxc.run("exec", "witness", "--", "sh", "-c", "echo $PPID; cut -d' ' -f22 /proc/1/stat") == witness
    _check_content(server, action)
    _do_again(server, action, pool, scratch)
    assert violations(server) == []


def _names(server: HoldfastServer) -> set[str]:
    return set(server.lxc.run("list", "--format", "csv", "-c", "n").split())


def _read(server: HoldfastServer, path: str) -> str:
    return server.lxc.run("file", "pull", path, "-")


def _check_content(server: HoldfastServer, action: str) -> None:
    """What was there before is whole: old content or new content, never a mix."""
    names = _names(server)
    if action == "delete":
        assert "victim" not in names or _read(server, "victim/root/data") == "new"
    elif action == "rename":
        assert len(names & {"victim", "new"}) == 1
        assert _read(server, f"{(names & {'victim', 'new'}).pop()}/root/data") == "new"
    elif action in ("restore", "replace"):
        assert _read(server, "victim/root/data") in ("old", "new")
    elif action == "undo":
        assert _read(server, "victim/root/data") in ("later", "new")
    else:
        assert _read(server, "victim/root/data") == "new"
    if "new" in names and action in ("create", "copy", "import"):
        assert action == "create" or _read(server, "new/root/data") == "new"


def _do_again(server: HoldfastServer, action: str, pool: str, scratch: Path) -> None:
    """The change can be done again (or had been done), and its effect is there."""
    if action == "undo" and _read(server, "victim/root/data") == "new":
        ACTIONS[action][1](server, pool, scratch)  # it was done: this is the redo, and what follows the undo of that
        assert _read(server, "victim/root/data") == "later"
    result = ACTIONS[action][1](server, pool, scratch)
    names = _names(server)
    if action in ("create", "copy", "import", "rename"):
        assert "new" in names, result
    if action == "backup test":
        assert names == {"victim", "witness"}, result
    if action == "delete":
        assert "victim" not in names, result
    snapshots = server.lxc.run("query", "/1.0/instances/victim/snapshots", expect=None)
    if action == "snapshot":
        assert "/two" in snapshots, result
    if action == "snapshot delete":
        assert "/one" not in snapshots, result
    if action == "snapshot rename":
        assert "/uno" in snapshots, result
    if action in ("restore", "replace"):
        assert _read(server, "victim/root/data") == "old", result
    if action == "undo":
        assert _read(server, "victim/root/data") == "new", result
    if action == "backup rename":
        assert "/moved" in server.lxc.run("query", "/1.0/instances/victim/backups"), result
    if action.startswith("export"):
        assert (scratch / "again.tar.gz").stat().st_size > 0, result
        (scratch / "again.tar.gz").unlink()


def test_every_kind_has_a_case() -> None:
    """A crash point that no action reaches would be a hole in this test."""
    elsewhere = {"image-add", "image-delete", "pool-create", "pool-delete"}  # tests of these parts
    elsewhere |= {"export-volumes"}  # test_kill_export_volumes.py
    elsewhere |= {"backups-move"}  # tests/system/test_backups_volume.py
    elsewhere |= {"instance-refresh", "instance-move", "instance-shift"}  # tests/system/test_instances_crash.py
    elsewhere |= {kind for kind in map(kind_of, ALL_POINTS) if kind.startswith("volume-")}  # test_kill_volumes.py
    covered = {kind for kind, _ in ACTIONS.values()} | elsewhere
    assert set(map(kind_of, ALL_POINTS)) <= covered
