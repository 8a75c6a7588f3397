"""Exports and imports of custom volumes as a person uses them, and by the API: files, disks, parts, refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.http import ask
from support.images import make_tiny_image
from support.invariants import violations
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "busybox", "mkfs.btrfs", "setfacl")]
VOLUME = ("storage", "volume")


class Scene:
    """A server with the volume `data` (snapshot `one`, keys that only we know) and the disk `disk`, on `bt`."""

    def __init__(self, server: HoldfastServer, directory: Path) -> None:
        self.server, self.directory, self.cli = server, directory, Cli(server.socket)

    def run(self, *words: str | Path, stdin: bytes = b"") -> str:
        return self.cli.run(*VOLUME, *words, stdin=stdin)

    def fails(self, *words: str | Path, stdin: bytes = b"") -> str:
        return self.cli.fails(*VOLUME, *words, stdin=stdin)

    def tree(self, name: str, pool: str = "bt", snapshot: str = "", project: str = "default") -> Path:
        root = self.server.directory / "storage-pools" / pool
        key = f"{project}_{name}"
        return root / "custom-snapshots" / key / snapshot if snapshot else root / "custom" / key

    def shown(self, path: str) -> Any:
        return json.loads(self.server.lxc.run("query", f"/1.0/{path}"))

    def names(self, pool: str) -> set[str]:
        found = self.shown(f"storage-pools/{pool}/volumes/custom?recursion=1&all-projects=true")
        return {each["name"] for each in found if "/" not in each["name"]}


@pytest.fixture(scope="module")
def made() -> Iterator[Scene]:
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        scene = Scene(server, directory)
        scene.run("create", "bt", "data", "snapshots.keep=daily=7", "user.mark=yes", "size=200MiB")
        scene.run("set", "bt", "data", "snapshots.schedules.nightly=@daily")
        make_rich_tree(scene.tree("data"))
        scene.tree("data").chmod(0o1750)
        os.chown(scene.tree("data"), 1000, 1001)
        scene.run("snapshot", "bt", "data", "one", "--description", "the first")
        scene.run("hold", "bt", "data/one")
        (scene.tree("data") / "data/only-main").write_text("main")
        scene.run("create", "bt", "disk", "--type=block", "size=64MiB")
        with (scene.tree("disk") / "root.img").open("r+b") as disk:
            disk.seek(2**25)
            disk.write(b"content")
        yield scene
        scene.run("release", "bt", "data/one")
    shutil.rmtree(directory)


@pytest.fixture
def scene(made: Scene) -> Iterator[Scene]:
    yield made
    for pool in ("default", "bt"):
        for name in made.names(pool) - {"data", "disk"}:
            made.cli.result(*VOLUME, "release", pool, f"{name}/one")
            made.cli.result(*VOLUME, "delete", pool, name)
    assert violations(made.server) == []


def same(scene: Scene, pool: str, name: str) -> None:
    for snapshot in ("one", ""):
        wanted, found = describe(scene.tree("data", "bt", snapshot)), describe(scene.tree(name, pool, snapshot))
        assert differences(wanted, found) == []


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_there_and_back(scene: Scene, tmp_path: Path, pool: str) -> None:
    """Trees, the top directory too, and all that we know beyond LXD."""
    assert "data.tar.gz" in scene.run("export", "bt", "data", tmp_path / "data.tar.gz")
    assert "Imported back" in scene.run("import", pool, tmp_path / "data.tar.gz", "back")
    same(scene, pool, "back")
    before, after = (
        scene.shown(f"storage-pools/{where}/volumes/custom/{name}") for where, name in (("bt", "data"), (pool, "back"))
    )
    assert (after["config"], after["description"]) == (before["config"], before["description"])
    assert after["config"]["snapshots.schedules.nightly"] == "@daily"
    assert after["created_at"][:19] == before["created_at"][:19]
    (snapshot,) = scene.shown(f"storage-pools/{pool}/volumes/custom/back/snapshots?recursion=1")
    assert (snapshot["name"], snapshot["description"], snapshot["held"]) == ("back/one", "the first", True)
    assert not [key for key in snapshot["config"] if key.startswith("user.holdfast")]


def test_what_is_in_a_file(scene: Scene, tmp_path: Path) -> None:
    scene.run("export", "bt", "data", tmp_path / "file", "--manifest")
    text = scene.cli.run("backup", "verify", tmp_path / "file")
    assert "custom data of project default" in text and "one" in text and "SHA-256 beside" in text
    listed = scene.cli.run("backup", "list", tmp_path / "file", "--recursive", "--format", "json")
    names = {each["name"] for each in json.loads(listed)}
    assert "data/only-main" in names and "." not in names
    scene.cli.run("backup", "extract", tmp_path / "file", "data/file", "--snapshot", "one", "--to", tmp_path / "out")
    there = scene.tree("data", "bt", "one") / "data/file"
    assert (tmp_path / "out/data/file").read_bytes() == there.read_bytes()
    damaged = bytearray((tmp_path / "file").read_bytes())
    damaged[len(damaged) // 2] ^= 4
    (tmp_path / "damaged").write_bytes(damaged)
    scene.cli.fails("backup", "verify", tmp_path / "damaged")
    tried = scene.cli.run("backup", "test", tmp_path / "file")
    assert "data with 1 snapshot can be imported" in tried
    assert "no command can be run" in scene.cli.fails("backup", "test", tmp_path / "file", "--command", "true")
    assert "damaged" in scene.cli.fails("backup", "test", tmp_path / "damaged")
    assert "holdfast-test" not in scene.cli.run("storage", "volume", "list", "bt")


def test_a_disk_stays_sparse(scene: Scene, tmp_path: Path) -> None:
    scene.run("export", "bt", "disk", tmp_path / "disk.tar", "--compression", "none")
    assert (tmp_path / "disk.tar").stat().st_size < 2**20
    scene.run("import", "default", tmp_path / "disk.tar", "taken")
    one, other = scene.tree("disk") / "root.img", scene.tree("taken", "default") / "root.img"
    assert one.read_bytes() == other.read_bytes()
    assert other.stat().st_blocks * 512 < 2**20
    assert "disk" in scene.fails("export", "bt", "disk", tmp_path / "x", "--exclude", "*")
    assert scene.shown("storage-pools/default/volumes/custom/taken")["content_type"] == "block"


def test_parts_of_a_volume(scene: Scene, tmp_path: Path) -> None:
    scene.run("export", "bt", "data", tmp_path / "part", "--snapshot", "one", "--exclude", "/data/file")
    scene.run("import", "bt", tmp_path / "part", "part")
    found = describe(scene.tree("part"))
    assert "data/file" not in found and "data/only-main" not in found and "data/sparse" in found
    assert scene.shown("storage-pools/bt/volumes/custom/part/snapshots") == []
    scene.run("export", "bt", "data", tmp_path / "alone", "--volume-only", "--optimized-storage")
    scene.run("import", "bt", tmp_path / "alone", "alone")
    assert differences(describe(scene.tree("data")), describe(scene.tree("alone"))) == []
    assert scene.shown("storage-pools/bt/volumes/custom/alone/snapshots") == []
    assert "not found" in scene.fails("export", "bt", "data", tmp_path / "x", "--snapshot", "nosuch").lower()


def test_pipes_and_keys(scene: Scene, tmp_path: Path) -> None:
    piped = scene.cli.result(*VOLUME, "export", "bt", "data", "-", "--compression", "zstd").stdout
    scene.run("import", "bt", "-", "piped", stdin=piped)
    same(scene, "bt", "piped")
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen (package openssh-client)")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    scene.run("export", "bt", "data", tmp_path / "secret", "--encrypt", f"{key}.pub")
    assert "--identity" in scene.fails("import", "bt", tmp_path / "secret", "secret")
    scene.run("import", "bt", tmp_path / "secret", "secret", "--identity", key)
    same(scene, "bt", "secret")


def test_what_is_refused_leaves_nothing(scene: Scene, tmp_path: Path) -> None:
    scene.run("export", "bt", "data", tmp_path / "file")
    scene.run("export", "bt", "data", tmp_path / "streams", "--optimized-storage")
    before = describe(scene.tree("data"))
    assert "already exists" in scene.fails("import", "bt", tmp_path / "file")
    assert differences(before, describe(scene.tree("data"))) == []
    assert "differs from" in scene.fails("import", "default", tmp_path / "streams", "x")
    assert "not found" in scene.fails("import", "nosuch", tmp_path / "file").lower()
    assert "Unsupported compression" in scene.fails("import", "bt", "-", "x", stdin=b"rubbish" * 100)
    assert "name" in scene.fails("import", "bt", tmp_path / "file", "a/b")
    assert scene.names("bt") == {"data", "disk"}


def test_files_of_instances_and_volumes_are_told_apart(scene: Scene, tmp_path: Path) -> None:
    scene.cli.run("image", "import", make_tiny_image(tmp_path / "tiny.tar.gz"), "--alias", "tiny")
    scene.cli.run("init", "tiny", "box")
    scene.cli.run("export", "box", tmp_path / "box")
    scene.run("export", "bt", "data", tmp_path / "data")
    assert "holds the instance" in scene.fails("import", "bt", tmp_path / "box", "x")
    assert "holds the custom volume" in scene.cli.fails("import", tmp_path / "data", "x")
    scene.cli.run("delete", "box")


def test_a_volume_that_is_larger_than_its_size_is_refused(scene: Scene, tmp_path: Path) -> None:
    """The limit of the file's own configuration counts while it is unpacked."""
    scene.run("create", "default", "large", "size=2MiB")
    (scene.tree("large", "default") / "bulk").write_bytes(os.urandom(2**25))
    scene.run("export", "default", "large", tmp_path / "large")
    assert "to have a size of 2MiB, and that is too small" in scene.fails("import", "bt", tmp_path / "large")
    assert "large" not in scene.names("bt")


def test_the_files_on_the_server(scene: Scene, tmp_path: Path) -> None:
    """Listed, shown, renamed, fetched in parts, deleted; they follow the volume, and go with it."""
    path = "/1.0/storage-pools/bt/volumes/custom/kept/backups"
    scene.run("copy", "bt/data", "bt/kept", "--volume-only")

    def query(method: str, path: str, body: str = "{}") -> Any:
        return json.loads(scene.server.lxc.run("query", "--wait", "-X", method, "-d", body, path) or "null")

    done = query("POST", path, '{"volume-only": true, "compression_algorithm": "zstd"}')
    assert done["resources"]["backups"] == ["/1.0/backups/backup0"]
    assert query("GET", path) == [f"{path}/backup0"]
    query("POST", f"{path}/backup0", '{"name": "mine"}')
    (shown,) = query("GET", f"{path}?recursion=1")
    assert (shown["name"], shown["volume_only"], shown["optimized_storage"]) == ("mine", True, False)
    assert set(shown) == {"name", "created_at", "expires_at", "size", "volume_only", "optimized_storage"}
    whole = ask(scene.server.socket, "GET", f"{path}/mine/export").raw
    part = ask(scene.server.socket, "GET", f"{path}/mine/export", headers={"Range": "bytes=10-19"})
    assert (part.status, part.raw) == (206, whole[10:20])
    scene.run("rename", "bt", "kept", "moved")
    scene.run("move", "bt/moved", "default/moved")
    moved = path.replace("/bt/", "/default/").replace("kept", "moved")
    assert ask(scene.server.socket, "GET", f"{moved}/mine/export").raw == whole
    (tmp_path / "file").write_bytes(whole)
    scene.run("import", "bt", tmp_path / "file", "kept")
    assert (
        "already exists"
        in scene.server.lxc.result("query", "--wait", "-X", "POST", "-d", '{"name": "mine"}', moved).stderr.decode()
    )
    query("DELETE", f"{moved}/mine")
    assert query("GET", moved) == []
    query("POST", moved, "{}")
    scene.run("delete", "default", "moved")
    assert not list((scene.server.directory / "backups/custom").glob("*/*/*"))


def test_volumes_of_projects(scene: Scene, tmp_path: Path) -> None:
    """A project without volumes of its own means those of the default project."""
    scene.cli.run("project", "create", "own")
    scene.cli.run("project", "create", "guest", "-c", "features.storage.volumes=false")
    scene.run("export", "bt", "data", tmp_path / "file", "--project", "guest")
    scene.run("import", "bt", tmp_path / "file", "--project", "own")
    assert differences(describe(scene.tree("data")), describe(scene.tree("data", project="own"))) == []
    scene.run("release", "bt", "data/one", "--project", "own")
    scene.run("delete", "bt", "data", "--project", "own")
    for project in ("own", "guest"):
        scene.cli.run("project", "delete", project)


def test_the_volume_of_the_exports_is_not_exported_itself(scene: Scene, tmp_path: Path) -> None:
    scene.run("create", "bt", "exports")
    scene.cli.run("config", "set", "storage.backups_volume", "bt/exports")
    assert "server itself" in scene.fails("export", "bt", "exports", tmp_path / "x")
    path = "/1.0/storage-pools/bt/volumes/custom/data/backups"
    scene.server.lxc.run("query", "--wait", "-X", "POST", "-d", '{"name": "there"}', path)
    assert (scene.tree("exports") / "custom/bt/default_data/there").is_file()
    scene.cli.run("config", "unset", "storage.backups_volume")
    assert (scene.server.directory / "backups/custom/bt/default_data/there").is_file()
    scene.server.lxc.run("query", "--wait", "-X", "DELETE", f"{path}/there")
