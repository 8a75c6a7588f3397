"""`holdfast import` as a person uses it: with other settings, from a pipe, in the place of an instance."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import COMMAND, Cli
from support.holdfast import HoldfastServer, short_directory
from support.http import ask
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "busybox", "mkfs.btrfs")]
Scene = tuple[HoldfastServer, Cli, Path]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A server with the file of an instance `web`: snapshot `one`, user.mark=file, a profile, a device."""
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        cli = Cli(server.socket)
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        cli.run("profile", "create", "extra")
        cli.run("profile", "set", "extra", "user.extra=yes")
        cli.run("init", "tiny", "web", "-c", "user.mark=file", "-c", "user.other=file")
        cli.run("config", "device", "add", "web", "etc", "disk", f"source={directory}", "path=/mnt/host")
        server.lxc.run("snapshot", "web", "one")
        cli.run("export", "web", directory / "web.tar.gz")
        cli.run("delete", "web")
        yield server, cli, directory
    shutil.rmtree(directory)


@pytest.fixture(autouse=True)
def clean(scene: Scene) -> Iterator[None]:
    yield
    server, cli, _ = scene
    for name in ("web", "other"):
        cli.result("delete", "--force", name)
    assert json.loads(server.lxc.run("query", "/1.0/uploads")) == []


def shown(server: HoldfastServer, name: str, project: str = "default") -> Any:
    return json.loads(server.lxc.run("query", f"/1.0/instances/{name}?project={project}&recursion=1"))


def test_other_settings_than_those_in_the_file(scene: Scene) -> None:
    server, cli, directory = scene
    cli.run(
        *("import", directory / "web.tar.gz", "other", "-s", "bt", "--start"),
        *("-c", "user.mark=asked", "-c", "user.other=", "-p", "default", "-p", "extra"),
        *("-d", "root,size=300MiB", "-d", "etc,type=none"),
    )
    found = shown(server, "other")
    assert found["status"] == "Running"
    assert found["profiles"] == ["default", "extra"]
    assert found["expanded_config"]["user.extra"] == "yes"
    assert found["config"]["user.mark"] == "asked"
    assert "user.other" not in found["config"]
    assert (found["devices"]["root"]["pool"], found["devices"]["root"]["size"]) == ("bt", "300MiB")
    assert found["devices"]["etc"] == {"type": "none"}
    (snapshot,) = found["snapshots"]
    assert (snapshot["config"]["user.mark"], snapshot["profiles"]) == ("file", ["default"])


def test_without_profiles_in_a_project(scene: Scene) -> None:
    server, cli, directory = scene
    cli.run("project", "create", "shop")
    try:
        cli.run("import", directory / "web.tar.gz", "--project", "shop", "--no-profiles", "-s", "default")
        found = shown(server, "web", "shop")
        assert (found["profiles"], found["devices"]["root"]["pool"]) == ([], "default")
    finally:
        cli.run("delete", "web", "--project", "shop")
        cli.run("project", "delete", "shop")


def test_from_a_pipe_under_a_name(scene: Scene) -> None:
    server, cli, directory = scene
    cli.run("import", "-", "other", stdin=(directory / "web.tar.gz").read_bytes())
    assert shown(server, "other")["config"]["user.mark"] == "file"
    assert "Unsupported compression" in cli.fails("import", "-", "other", stdin=b"")
    terminal = cli.start_on_terminal("import", "-")
    terminal.expect(b"Standard input is the terminal")
    assert terminal.process.wait(90) == 1


def test_in_the_place_of_an_instance(scene: Scene) -> None:
    server, cli, directory = scene
    cli.run("init", "tiny", "web", "-c", "user.mark=now")
    refused = cli.fails("import", directory / "web.tar.gz")
    assert refused == (
        "Create instance from backup: Cannot restore volume, already exists on target: "
        'There is an instance "web": import under another name, or replace it (`--replace`)'
    )
    assert shown(server, "web")["config"]["user.mark"] == "now"
    cli.run("import", directory / "web.tar.gz", "--replace")
    assert shown(server, "web")["config"]["user.mark"] == "file"
    assert "Replaced by an import at" in cli.run("info", "web")
    cli.run("restore", "web", "--undo")
    assert shown(server, "web")["config"]["user.mark"] == "now"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-c", "limits.memory=much"), "Invalid value: much"),
        (("-c", "nosuch.key=1"), "nosuch.key"),
        (("-p", "nosuch"), "Failed loading profiles for instance: Profile not found"),
        (("-p", "extra", "-p", "extra"), "Duplicate profile found in request"),
        (("-d", "root,size=large"), "large"),
        (("-s", "nosuch"), 'Storage pool not found: "nosuch"'),
        (("-d", "root,pool=nosuch"), 'Device "root": Storage pool not found: "nosuch"'),
        (("-d", "data,type=disk", "-d", "data,pool=nosuch"), 'Device "data": Storage pool not found: "nosuch"'),
        (("-s", "default", "-d", "root,pool=bt"), 'can\'t be in pool "bt"'),
        (("-d", "root,type=none"), '"root" is the root disk'),
        (("-d", "nodev,type=none"), 'device "nodev"'),
    ],
)
def test_what_can_not_be_is_told_in_one_line_and_leaves_nothing(
    scene: Scene, words: tuple[str, ...], says: str
) -> None:
    server, cli, directory = scene
    assert says in cli.fails("import", directory / "web.tar.gz", "other", *words)
    assert json.loads(server.lxc.run("query", "/1.0/instances")) == []
    assert list((server.directory / "backups/.incoming").iterdir()) == []


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_the_pool_of_the_root_disk_is_obeyed(scene: Scene, pool: str) -> None:
    server, cli, directory = scene
    cli.run("import", directory / "web.tar.gz", "-d", f"root,pool={pool}", "-d", "root,size=1GiB")
    assert shown(server, "web")["devices"]["root"] == {"type": "disk", "path": "/", "pool": pool, "size": "1GiB"}
    assert json.loads(server.lxc.run("query", f"/1.0/storage-pools/{pool}/volumes/container/web"))["name"] == "web"


def test_the_sequence_of_the_guide_with_hyphens(scene: Scene) -> None:
    server, cli, directory = scene
    cli.run("import", directory / "web.tar.gz")
    path = "/1.0/instances/web/backups"
    asked = {"name": "b", "instance-only": True, "compression-algorithm": "none", "optimized-storage": False}
    server.lxc.run("query", "--wait", "-X", "POST", "-d", json.dumps(asked), path)
    assert json.loads(server.lxc.run("query", f"{path}/b"))["instance_only"] is True
    with (directory / "b").open("wb") as file:
        query = ["curl", "-sS", "--unix-socket", server.socket, f"http://x{path}/b/export"]
        subprocess.run(query, stdout=file, check=True)
    assert (directory / "b").read_bytes()[257:262] == b"ustar"


@pytest.mark.parametrize("version", [1, 2])
def test_versions_of_the_metadata(scene: Scene, version: int) -> None:
    server, cli, directory = scene
    cli.run("import", directory / "web.tar.gz")
    cli.run("export", "web", directory / "v", "--export-version", str(version), "--compression", "none")
    assert ((directory / "v").read_bytes().find(b"\n  version: 2\n") > 0) == (version == 2)
    cli.run("import", directory / "v", "other")
    assert shown(server, "other")["config"]["user.mark"] == "file"
    environment = json.loads(server.lxc.run("query", "/1.0"))["environment"]
    assert environment["backup_metadata_version_range"] == [1, 2]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_version_that_there_is_not(scene: Scene, streamed: bool) -> None:
    _, cli, directory = scene
    cli.run("import", directory / "web.tar.gz")
    words = ("export", "web", directory / "v3", "--export-version", "3", *(() if streamed else ("--staged",)))
    assert cli.fails(*words) == "Backup metadata version 3 is not supported: this server writes 1 and 2"
    assert not (directory / "v3").exists()


def test_a_difference_by_command(scene: Scene, tmp_path: Path) -> None:
    """Its file has a name of its own, not that of the whole export, and is told apart from one."""
    server, cli, directory = scene

    def export(*words: str) -> None:
        command = [COMMAND, "export", "web", *words, "--compression", "none"]
        subprocess.run(command, cwd=tmp_path, env=cli.environment, check=True, capture_output=True, timeout=120)

    cli.run("import", directory / "web.tar.gz", "-s", "bt", "-d", "etc,type=none")
    cli.run("snapshot", "web", "one", "--reuse")  # one that btrfs knows a difference to
    export("--optimized-storage")
    whole = (tmp_path / "web.tar").read_bytes()
    server.lxc.run("file", "push", "-", "web/root/x", stdin="newer")
    cli.run("snapshot", "web", "two")
    export("--since", "one")
    assert (tmp_path / "web.tar").read_bytes() == whole
    newer = tmp_path / "web-since-one.tar"
    assert "Builds on:" in cli.run("backup", "verify", newer)
    document = json.loads(cli.run("backup", "verify", newer, "--format", "json"))
    assert document["base"]["snapshot"] == "one" and document["type"] == "container"
    assert json.loads(cli.run("backup", "verify", tmp_path / "web.tar", "--format", "json"))["base"] is None
    assert "--onto" in cli.fails("import", newer, "other")
    assert "only the difference" in cli.fails("backup", "test", newer)
    cli.run("import", tmp_path / "web.tar", "other")
    cli.run("import", newer, "--onto", "other")
    assert server.lxc.run("file", "pull", "other/root/x", "-") == "newer"
    assert [each["name"] for each in shown(server, "other")["snapshots"]] == ["one", "two"]
    cli.run("restore", "other", "--undo")
    assert server.lxc.result("file", "pull", "other/root/x", "-").returncode != 0


@pytest.fixture
def nearly_full(scene: Scene) -> Iterator[str]:
    """A pool with some MiB left, which are less than its twentieth; there is room for the file, and no more."""
    _, cli, directory = scene
    place = directory / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", place], check=True)
    try:
        cli.run("storage", "create", "full", "dir", f"source={place}")
        cli.run("import", directory / "web.tar.gz", "web", "-s", "full")
        with (place / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(place).free - 15 * 2**20)
        yield "full"
        cli.run("delete", "web")
        cli.run("storage", "delete", "full")
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.usefixtures("nearly_full")
def test_one_that_can_not_be_undone_says_so(scene: Scene) -> None:
    _, cli, directory = scene
    done = cli.result("import", directory / "web.tar.gz", "--replace")
    assert done.returncode == 0
    assert b"Done, but it can't be undone: its pool is nearly full" in done.stderr
    assert "Nothing to undo" in cli.fails("restore", "web", "--undo")


@pytest.fixture
def no_room(scene: Scene) -> Iterator[None]:
    """Nothing can be kept of what is sent."""
    server, _, _ = scene
    places = [server.directory / "backups" / name for name in (".incoming", ".uploads")]
    for place in places:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", place], check=True)
    yield
    for place in places:
        subprocess.run(["umount", place], check=True)


@pytest.mark.usefixtures("no_room")
def test_a_file_of_this_machine_is_read_where_it_is(scene: Scene) -> None:
    server, cli, directory = scene
    file = directory / "web.tar.gz"
    before = file.read_bytes()
    cli.run("import", file, "other")
    assert shown(server, "other")["config"]["user.mark"] == "file"
    cli.run("delete", "other")
    with file.open("rb") as opened:
        subprocess.run([COMMAND, "import", "-", "other"], env=cli.environment, stdin=opened, check=True)
    assert shown(server, "other")["config"]["user.mark"] == "file"
    assert "comes up" in cli.run("backup", "test", file)
    assert file.read_bytes() == before
    assert "Read-only file system" in cli.fails("import", "-", "web", stdin=before)
    with file.open("rb") as opened:
        opened.seek(1)
        found = subprocess.run(
            [COMMAND, "import", "-", "web"], env=cli.environment, stdin=opened, capture_output=True, check=False
        )
    assert b"Read-only file system" in found.stderr, "a part of a file is sent"


def test_what_names_no_file_of_the_client_is_refused(scene: Scene) -> None:
    server, _, directory = scene
    facts = (directory / "web.tar.gz").stat()
    of_file = f"{facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
    for text, status in ((f"0 {of_file}", 412), ("x", 400), (f"-1 {of_file}", 400), (of_file, 400)):
        headers = {"X-Holdfast-descriptor": text, "Content-Type": "application/octet-stream"}
        answer = ask(server.socket, "POST", "/1.0/instances", raw=b"", headers=headers)
        assert answer.status == status, text
        assert "descriptor" in answer.body["error"]
