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
    found = yaml.safe_load(cli.run("backup", "stored", "verify", "web", "one"))
    assert (found["name"], found["sealed"], found["size"]) == ("web", True, file_of(server).stat().st_size)
    assert [each["name"] for each in found["snapshots"]] == ["before"]
    (listed,) = ask(server.socket, "GET", f"{BACKUPS}?recursion=1").body["metadata"]
    assert listed["size"] == ask(server.socket, "GET", f"{BACKUPS}/one").body["metadata"]["size"] == found["size"]


def test_it_comes_up(server: HoldfastServer, cli: Cli) -> None:
    found = yaml.safe_load(cli.run("backup", "stored", "test", "web", "one", "--command", "true"))
    assert (found["name"], found["healthy"]) == ("web", True)
    assert file_of(server).is_file(), "it is lent and not taken"
    assert left(server) == []
    assert "time limit" in cli.fails("backup", "stored", "test", "web", "one", "--timeout", "0")
    assert left(server) == []


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_one_of_a_volume(server: HoldfastServer, cli: Cli, pool: str, tmp_path: Path) -> None:
    """Checked, tried, renamed, fetched, deleted by the same words; a test leaves nothing, whatever is in the file."""
    cli.run("storage", "volume", "create", pool, "data", "snapshots.schedule=@hourly")
    cli.run("storage", "volume", "file", "push", pool, "-", "data/note", stdin="kept")
    cli.run("storage", "volume", "snapshot", pool, "data", "before")
    cli.run("storage", "volume", "hold", pool, "data/before")
    owner = f"{pool}/data"
    assert "keeps the export v of data" in cli.run("backup", "stored", "create", owner, "v", "--expires", "7d")
    found = yaml.safe_load(cli.run("backup", "stored", "verify", owner, "v"))
    assert (found["type"], found["sealed"]) == ("custom", True)
    other = "default" if pool == "bt" else "bt"
    for words in ((), ("-s", other)):
        tried = yaml.safe_load(cli.run("backup", "stored", "test", owner, "v", *words))
        assert (tried["name"], tried["healthy"], tried["snapshots"]) == ("data", True, ["before"])
        assert tried["entries"] == 1
    cli.run("backup", "stored", "rename", owner, "v", "w")
    header, line = cli.run("backup", "stored", "list", owner).splitlines()[1::2][:2]
    assert "EXPIRES AT" in header and line.split("|")[1].strip() == "w"
    cli.run("backup", "stored", "download", owner, "w", tmp_path / "data.tar.gz")
    assert yaml.safe_load(cli.run("backup", "test", tmp_path / "data.tar.gz", "--format", "yaml"))["healthy"]
    assert "no command can be run" in cli.fails("backup", "stored", "test", owner, "w", "--command", "true")
    assert "INSTANCE nor POOL/VOLUME" in cli.result("backup", "stored", "list", f"{owner}/x").stderr.decode()
    cli.run("backup", "stored", "delete", owner, "w")
    assert ask(server.socket, "GET", f"/1.0/storage-pools/{pool}/volumes/custom/data/backups").body["metadata"] == []
    assert left(server) == []
    for each in (pool, other):
        assert "holdfast-test" not in cli.run("storage", "volume", "list", each)
    cli.run("storage", "volume", "release", pool, "data/before")
    cli.run("storage", "volume", "delete", pool, "data")


def test_a_damaged_one_of_a_volume_fails_its_test(server: HoldfastServer, cli: Cli) -> None:
    cli.run("storage", "volume", "create", "default", "data")
    cli.run("storage", "volume", "file", "push", "default", "-", "data/note", stdin="A" * 100_000)
    cli.run("backup", "stored", "create", "default/data", "v", "--compression", "none")
    stored = server.directory / "backups/custom/default/default_data/v"
    data = stored.read_bytes()
    stored.write_bytes(data.replace(b"A" * 50_000, b"A" * 49_999 + b"B", 1))
    assert "not those that were written" in cli.fails("backup", "stored", "test", "default/data", "v")
    tried = cli.result("backup", "test", stored)
    assert (tried.returncode, "can't be imported" in tried.stdout.decode()) == (1, True), tried.stderr.decode()
    assert left(server) == []
    assert "holdfast-test" not in cli.run("storage", "volume", "list", "default")
    cli.run("storage", "volume", "delete", "default", "data")


def test_one_is_made_named_listed_and_fetched(cli: Cli, tmp_path: Path) -> None:
    words = ("--expires", "2035-01-02", "--compression", "zstd", "--without-snapshots")
    cli.run("backup", "stored", "create", "web", "two", *words)
    (listed,) = [
        each
        for each in yaml.safe_load(cli.run("backup", "stored", "list", "web", "--format", "yaml"))
        if each["name"] == "two"
    ]
    assert (listed["instance_only"], listed["expires_at"][:7]) == (True, "2035-01")
    with (tmp_path / "file").open("wb") as file:
        file.write(cli.result("backup", "stored", "download", "web", "two", "-").stdout)
    assert "web" in cli.run("backup", "verify", tmp_path / "file")
    assert "--with-volumes" in cli.result("backup", "stored", "create", "default/x", "--with-volumes").stderr.decode()
    assert "span" in cli.result("backup", "stored", "create", "web", "--expires", "soon").stderr.decode()
    assert cli.fails("backup", "stored", "delete", "web", "two", "nope") == "The server keeps no export nope of web"
    assert '"two"' in cli.run("backup", "stored", "list", "web", "--format", "json"), "half a deletion helps nobody"
    cli.run("backup", "stored", "delete", "web", "two")


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
    assert cli.fails("backup", "stored", "verify", "web", "one")
    cli.run("delete", "--force", "web")
