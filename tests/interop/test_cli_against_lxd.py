"""Our command line drives the distribution's real LXD: what it says is the API, not a private language."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli, working_day
from support.cli_volumes import volumes_day
from support.holdfast import short_directory
from support.images import make_tiny_image
from support.lxd import LxdServer, require_lxd
from support.ports import free_port

pytestmark = [pytest.mark.root]


@pytest.fixture(scope="module")
def cli() -> Iterator[Cli]:
    """Our command on the socket of a real LXD that has the image `tiny`."""
    require_lxd()
    directory = short_directory()
    with LxdServer(directory / "lxd") as server:
        cli = Cli(server.socket)
        cli.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        cli.run("config", "set", f"core.https_address=127.0.0.1:{free_port()}")
        yield cli
    shutil.rmtree(directory)


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_a_working_day(cli: Cli, tmp_path: Path, pool: str) -> None:
    working_day(cli, tmp_path, pool)


def test_a_working_day_over_https(cli: Cli, tmp_path: Path) -> None:
    """The same words to the same server, from elsewhere: it is known by a token."""
    elsewhere = Cli(tmp_path / "nothing", tmp_path / "conf")
    token = cli.run("config", "trust", "add", "--name", "elsewhere").strip().splitlines()[-1]
    elsewhere.run("remote", "add", "far", token)
    elsewhere.run("remote", "switch", "far")
    working_day(elsewhere, tmp_path, "bt")


@pytest.mark.parametrize(("pool", "other"), [("default", "bt"), ("bt", "default")])
def test_a_day_with_volumes(cli: Cli, pool: str, other: str) -> None:
    volumes_day(cli, pool, other)


def test_a_terminal(cli: Cli) -> None:
    """The command stays until they were read: LXD 5.0.2 now and then loses the last words of a terminal."""
    cli.run("launch", "tiny", "screen")
    script = "stty size; read word; echo got-$word; read end; exit 5"
    terminal = cli.start_on_terminal("exec", "screen", "--", "sh", "-c", script)
    terminal.expect(b"30 100")
    terminal.write(b"pong\n")
    terminal.expect(b"got-pong")
    terminal.write(b"end\n")
    assert terminal.end() == 5
    cli.run("delete", "--force", "screen")
