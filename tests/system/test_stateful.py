"""The memory of processes: what can't be kept is refused with a reason that `GET /1.0` tells beforehand."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from holdfast.db import tables
from holdfast.db.database import Database, sqlite_url
from holdfast.service.paths import Paths
from support.cli import Cli
from support.holdfast import HoldfastServer
from support.http import ask
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command; the instance `box` has the snapshot `one`."""
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    cli.run("init", "tiny", "box", "-c", "migration.stateful=true")
    cli.run("snapshot", "box", "one")
    return cli


def test_every_refusal_says_why(server: HoldfastServer, cli: Cli) -> None:
    told = ask(server.socket, "GET", "/1.0").body["metadata"]["environment"]["holdfast_stateful"]
    assert told["available"] is False
    assert told["reason"] in cli.fails("snapshot", "box", "two", "--stateful")
    cli.run("start", "box")
    assert told["reason"] in cli.fails("stop", "box", "--stateful")
    cli.run("stop", "--force", "box")
    assert cli.run("query", "/1.0/instances/box/snapshots").count("/1.0/") == 1


def test_what_another_server_kept_is_not_passed_over_in_silence(server: HoldfastServer, cli: Cli) -> None:
    """Snapshots that LXD sent may say that they have a state: it didn't come with them."""
    assert "is stateless" in cli.fails("restore", "box", "one", "--stateful")
    database = Database(sqlite_url(Paths(server.directory).database))
    with database.write() as connection:
        connection.execute(update(tables.instance_snapshots).values(stateful=True))
    database.close()
    assert "doesn't save the memory" in cli.fails("restore", "box", "one", "--stateful")
    cli.run("restore", "box", "one")
    cli.run("delete", "box")
