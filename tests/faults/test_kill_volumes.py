"""`kill -9` of the server at every named point of every change to volumes: after the restart nothing is half there.

As in `test_kill.py`: one crash point is armed, the change is asked for, the server dies and is started again; records
and storage agree, content is old or new and never a mix, and the change can be done again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.service.crashpoints import ALL_POINTS
from support.holdfast import HoldfastServer, short_directory
from support.images import FEW_APPLETS, make_tiny_image
from support.invariants import violations
from support.kills import cases, kill_at, kind_of
from support.lxd import require_lxd


@dataclass(frozen=True)
class Scene:
    """A server; the pool under test and the other one.

    The instance `box` shows `vol` of the pool and `far` of the other pool; all three have the snapshot `one`, taken
    together, and hold "old" in it and "new" now. `spare` is used by nothing; `mirror` is an old copy of `vol`. `vol`
    has the export file `kept` on the server; another of it is in `file`.
    """

    server: HoldfastServer
    pool: str
    other: str
    file: Path

    def volume(self, *words: str) -> object:
        return self.server.lxc.result("storage", "volume", *words)

    def ask(self, method: str, path: str, **body: object) -> object:
        return self.server.lxc.result("query", "--wait", "-X", method, "-d", json.dumps(body), f"/1.0/{path}")

    def get(self, path: str) -> object:
        return json.loads(self.server.lxc.run("query", f"/1.0/{path}"))

    def tree(self, name: str, pool: str = "", snapshot: str = "") -> Path:
        root = self.server.directory / "storage-pools" / (pool or self.pool)
        return root / f"custom-snapshots/default_{name}/{snapshot}" if snapshot else root / f"custom/default_{name}"

    def read(self, name: str, pool: str = "") -> str:
        return (self.tree(name, pool) / "data").read_text()

    def read_box(self) -> str:
        root = self.server.directory / "storage-pools" / self.pool / "containers/box/rootfs/root/data"
        return root.read_text()

    def names(self, pool: str = "") -> set[str]:
        found = self.get(f"storage-pools/{pool or self.pool}/volumes/custom?recursion=1")
        assert isinstance(found, list)
        return {each["name"] for each in found}

    def devices(self) -> dict[str, dict[str, str]]:
        found = self.get("instances/box")
        assert isinstance(found, dict)
        devices: dict[str, dict[str, str]] = found["devices"]
        return devices


def _set_snapshot(scene: Scene) -> object:
    return scene.ask("POST", "instances/box/snapshots", name="two", disk_volumes_mode="all-exclusive")


def _set_restore(scene: Scene) -> object:
    return scene.ask("PUT", "instances/box", restore="one", restore_disk_volumes_mode="all-exclusive")


def _move(scene: Scene) -> object:
    return scene.ask(
        "POST", f"storage-pools/{scene.pool}/volumes/custom/vol", name="moved", pool=scene.other, migration=False
    )


def _export(scene: Scene) -> object:
    return scene.ask("POST", f"{BACKUPS.format(scene.pool)}", name="new")


BACKUPS = "storage-pools/{}/volumes/custom/vol/backups"
ACTIONS: dict[str, tuple[str, Callable[[Scene], object]]] = {
    "create": ("volume-create", lambda scene: scene.volume("create", scene.pool, "new")),
    "create block": ("volume-create", lambda s: s.volume("create", s.pool, "new", "--type=block", "size=1MiB")),
    "copy": ("volume-create", lambda s: s.volume("copy", f"{s.pool}/vol", f"{s.pool}/new")),
    "copy pool": ("volume-create", lambda s: s.volume("copy", f"{s.pool}/vol", f"{s.other}/new")),
    "import": ("volume-create", lambda s: s.volume("import", s.pool, str(s.file), "new")),
    "test": ("volume-test", lambda s: s.server.holdfast("backup", "stored", "test", f"{s.pool}/vol", "kept")),
    "export": ("backup-create", _export),
    "export rename": ("backup-rename", lambda s: s.ask("POST", f"{BACKUPS.format(s.pool)}/kept", name="renamed")),
    "export delete": ("backup-delete", lambda s: s.ask("DELETE", f"{BACKUPS.format(s.pool)}/kept")),
    "update": ("volume-update", lambda scene: scene.volume("set", scene.pool, "vol", "size=50MiB")),
    "delete": ("volume-delete", lambda scene: scene.volume("delete", scene.pool, "spare")),
    "rename": ("volume-rename", lambda scene: scene.volume("rename", scene.pool, "vol", "new")),
    "refresh": ("volume-refresh", lambda s: s.volume("copy", f"{s.pool}/vol", f"{s.pool}/mirror", "--refresh")),
    "move": ("volume-move", _move),
    "restore": ("volume-restore", lambda scene: scene.volume("restore", scene.pool, "vol", "one")),
    "snapshot": ("volume-snapshot-create", lambda scene: scene.volume("snapshot", scene.pool, "vol", "two")),
    "snapshot delete": ("volume-snapshot-delete", lambda scene: scene.volume("delete", scene.pool, "vol/one")),
    "snapshot rename": ("volume-snapshot-rename", lambda s: s.volume("rename", s.pool, "vol/one", "vol/uno")),
    "set snapshot": ("volume-set-snapshot", _set_snapshot),
    "set snapshot running": ("volume-set-snapshot", _set_snapshot),
    "set restore": ("volume-set-restore", _set_restore),
    "set restore running": ("volume-set-restore", _set_restore),
}


@pytest.fixture(scope="module", params=["default", "bt"])
def bare(request: pytest.FixtureRequest) -> Iterator[Scene]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run(
            "image", "import", make_tiny_image(directory / "tiny.tar.gz", applets=FEW_APPLETS), "--alias", "tiny"
        )
        yield Scene(server, request.param, "bt" if request.param == "default" else "default", directory / "file")
    shutil.rmtree(directory)


@pytest.fixture
def scene(bare: Scene) -> Iterator[Scene]:
    lxc = bare.server.lxc
    lxc.run("init", "tiny", "box", "-s", bare.pool)
    for name, pool in (("vol", bare.pool), ("far", bare.other)):
        lxc.run("storage", "volume", "create", pool, name)
        lxc.run("storage", "volume", "attach", pool, name, "box", f"/{name}")
    lxc.run("storage", "volume", "create", bare.pool, "spare")
    _write(bare, "old")
    bare.ask("POST", "instances/box/snapshots", name="one", disk_volumes_mode="all-exclusive")
    lxc.run("storage", "volume", "copy", f"{bare.pool}/vol", f"{bare.pool}/mirror", "--volume-only")
    lxc.run("storage", "volume", "snapshot", bare.pool, "spare", "one")
    _write(bare, "new")
    bare.ask("POST", BACKUPS.format(bare.pool), name="kept")
    lxc.run("storage", "volume", "export", bare.pool, "vol", bare.file)
    yield bare
    lxc.run("delete", "--force", "box", expect=None)
    for pool in (bare.pool, bare.other):
        for name in bare.names(pool):
            if "/" not in name:
                lxc.run("storage", "volume", "delete", pool, name)
    assert violations(bare.server) == []


def _write(scene: Scene, text: str) -> None:
    scene.server.lxc.run("file", "push", "-", "box/root/data", stdin=text)
    for name, pool in (("vol", scene.pool), ("far", scene.other), ("spare", scene.pool)):
        (scene.tree(name, pool) / "data").write_text(text)


@pytest.mark.long
@pytest.mark.parametrize(("point", "action"), cases(ACTIONS))
def test_kill(scene: Scene, point: str, action: str) -> None:
    server = scene.server
    if action.endswith("running"):
        server.lxc.run("start", "box")
    kill_at(server, point, lambda: ACTIONS[action][1](scene))

    assert violations(server) == []
    _check_content(scene, action)
    if action.endswith("running"):
        _check_runs(scene)
    result = ACTIONS[action][1](scene)
    _check_done(scene, action, result)
    assert violations(server) == []


def _check_content(scene: Scene, action: str) -> None:
    """What was there before is whole: old content or new content, never a mix; devices show what is there."""
    shown = scene.devices()["vol"]
    assert shown["source"] in scene.names(shown["pool"])
    content = scene.read(shown["source"], shown["pool"])
    if action.startswith("set restore"):
        assert (content, scene.read("far", scene.other), scene.read_box()) in ((("old",) * 3), (("new",) * 3))
    elif action == "restore":
        assert content in ("old", "new")
    else:
        assert (content, scene.read("far", scene.other)) == ("new", "new")
    if action.startswith("set snapshot"):
        taken = {"two" in str(scene.get(path)) for path in _snapshot_paths(scene)}
        assert len(taken) == 1, "a part of the set was taken"
    if action == "refresh":
        assert scene.read("mirror") in ("old", "new")
    if action == "delete" and "spare" in scene.names():
        assert scene.read("spare") == "new"
        assert "spare/one" in scene.names()
    for pool in (scene.pool, scene.other):
        if action.startswith(("copy", "import")) and "new" in scene.names(pool):
            assert scene.read("new", pool) == "new"
            assert (scene.tree("new", pool, "one") / "data").read_text() == "old"


def _snapshot_paths(scene: Scene) -> list[str]:
    volumes = [
        f"storage-pools/{pool}/volumes/custom/{name}" for pool, name in ((scene.pool, "vol"), (scene.other, "far"))
    ]
    return [f"{path}/snapshots" for path in ("instances/box", *volumes)]


def _check_runs(scene: Scene) -> None:
    assert scene.server.lxc.run("list", "box", "--format", "csv", "-c", "s") == "RUNNING\n"
    assert scene.server.lxc.run("exec", "box", "--", "cat", "/vol/data") == scene.read("vol")


def _check_done(scene: Scene, action: str, result: object) -> None:
    """The change can be done again (or had been done), and its effect is there."""
    names = scene.names() | {f"other:{name}" for name in scene.names(scene.other)}
    wanted = {
        "create": "new",
        "create block": "new",
        "copy": "new/one",
        "import": "new/one",
        "copy pool": "other:new/one",
        "rename": "new/one",
        "refresh": "mirror/one",
        "move": "other:moved/one",
        "snapshot": "vol/two",
        "snapshot rename": "vol/uno",
        "set snapshot": "vol/two",
        "set snapshot running": "other:far/two",
    }
    assert not any(name.startswith("holdfast-test-") for name in names), result
    gone = {"delete": "spare", "snapshot delete": "vol/one", "move": "vol", "rename": "vol"}
    assert wanted.get(action, "vol") in names or action in ("delete",), result
    assert gone.get(action, "") not in names, result
    if action == "update":
        assert "50MiB" in str(scene.get(f"storage-pools/{scene.pool}/volumes/custom/vol")), result
    if action in ("restore", "set restore", "set restore running"):
        assert scene.read("vol") == "old", result
    if action == "refresh":
        assert scene.read("mirror") == "new", result
    files = {"export": {"kept", "new"}, "export rename": {"renamed"}, "export delete": set()}
    if action in files:
        found = scene.get(f"{BACKUPS.format(scene.pool)}?recursion=1")
        assert isinstance(found, list)
        assert {each["name"] for each in found} == files[action], result


def test_every_kind_has_a_case() -> None:
    """A crash point that no action reaches would be a hole in this test."""
    kinds = set(map(kind_of, ALL_POINTS))
    assert {kind for kind in kinds if kind.startswith("volume-")} == {
        kind for kind, _ in ACTIONS.values() if kind.startswith("volume-")
    }
