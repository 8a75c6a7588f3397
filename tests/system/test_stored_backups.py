"""Export files that the server keeps: checked and tried where they are, and still there afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from support.cli import Cli
from support.holdfast import HoldfastServer
from support.http import ask, outcome
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
BACKUPS = "/1.0/instances/web/backups"


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command, and an instance `web` with an export `one` on the server."""
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    cli.run("init", "tiny", "web")
    cli.run("snapshot", "web", "before")
    assert outcome(server.socket, ask(server.socket, "POST", BACKUPS, {"name": "one"})) == ""
    return cli


def file_of(server: HoldfastServer) -> Path:
    return server.directory / "backups" / "instances" / "web" / "one"


def left(server: HoldfastServer) -> list[str]:
    return os.listdir(server.directory / "backups" / ".incoming")


def test_a_good_one(server: HoldfastServer, cli: Cli) -> None:
    found = yaml.safe_load(cli.run("backup", "verify-stored", "web", "one"))
    assert (found["name"], found["sealed"], found["size"]) == ("web", True, file_of(server).stat().st_size)
    assert [each["name"] for each in found["snapshots"]] == ["before"]
    (listed,) = ask(server.socket, "GET", f"{BACKUPS}?recursion=1").body["metadata"]
    assert listed["size"] == ask(server.socket, "GET", f"{BACKUPS}/one").body["metadata"]["size"] == found["size"]


def test_it_comes_up(server: HoldfastServer, cli: Cli) -> None:
    found = yaml.safe_load(cli.run("backup", "test-stored", "web", "one", "--command", "true"))
    assert (found["name"], found["healthy"]) == ("web", True)
    assert file_of(server).is_file(), "it is lent and not taken"
    assert left(server) == []
    assert "time limit" in cli.fails("backup", "test-stored", "web", "one", "--timeout", "0")
    assert left(server) == []


def test_one_of_a_volume(server: HoldfastServer, cli: Cli) -> None:
    cli.run("storage", "volume", "create", "default", "data")
    volume = "/1.0/storage-pools/default/volumes/custom/data/backups"
    assert outcome(server.socket, ask(server.socket, "POST", volume, {"name": "v"})) == ""
    started = ask(server.socket, "POST", f"{volume}/v/verify")
    ended = ask(server.socket, "GET", f"{started.body['operation']}/wait").body["metadata"]
    assert (ended["status"], ended["metadata"]["verification"]["type"]) == ("Success", "custom")


def test_what_is_not_there(server: HoldfastServer, cli: Cli) -> None:
    for path in (f"{BACKUPS}/two/verify", "/1.0/backup-tests?instance=web&backup=two"):
        assert ask(server.socket, "POST", path, {}).status == 404, path
    assert ask(server.socket, "POST", "/1.0/backup-tests?instance=web&backup=../../../x", {}).status == 404
    assert ask(server.socket, "POST", "/1.0/backup-tests", {}).status == 400


def test_a_damaged_one(server: HoldfastServer, cli: Cli) -> None:
    """Last: one bit of the file is another one from here on."""
    path = file_of(server)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert cli.fails("backup", "verify-stored", "web", "one")
    cli.run("delete", "--force", "web")
