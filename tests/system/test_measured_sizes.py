"""Measured sizes: remembered with their time, over restarts and renames; gone with what they are of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer
from support.http import ask
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command; the instance `web` and the volume `data` in `bt` have a snapshot `one` each."""
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    cli.run("init", "tiny", "web", "-s", "default")
    cli.run("snapshot", "web", "one")
    cli.run("storage", "volume", "create", "bt", "data")
    cli.run("storage", "volume", "snapshot", "bt", "data", "one")
    return cli


def told(server: HoldfastServer, path: str) -> Any:
    return ask(server.socket, "GET", path).body["metadata"]


def remembered(server: HoldfastServer, path: str = "/1.0/usage") -> dict[str, int]:
    return {each["subject"]: each["bytes"] for each in told(server, path)}


DATA = "/1.0/storage-pools/bt/volumes/custom/data"


@pytest.mark.usefixtures("cli")
def test_what_was_measured_is_told_with_its_time(server: HoldfastServer) -> None:
    assert remembered(server) == {}
    web, data = told(server, "/1.0/instances/web/usage"), told(server, f"{DATA}/usage")
    assert datetime.now(UTC) - datetime.fromisoformat(web["measured_at"]) < timedelta(minutes=5)
    assert remembered(server) == {"/1.0/instances/web": web["bytes"], DATA: data["bytes"]}
    assert [each["measured_at"] for each in told(server, "/1.0/usage")] == [web["measured_at"], data["measured_at"]]


@pytest.mark.usefixtures("cli")
def test_snapshots_are_measured_once(server: HoldfastServer) -> None:
    for owner in ("/1.0/instances/web", DATA):
        assert remembered(server, f"{owner}/usage/snapshots") == {}
        first = told(server, f"{owner}/usage?snapshot=one")
        assert told(server, f"{owner}/usage?snapshot=one") == first
        assert remembered(server, f"{owner}/usage/snapshots") == {f"{owner}/snapshots/one": first["bytes"]}
    assert ask(server.socket, "GET", "/1.0/instances/nosuch/usage/snapshots").status == 404


@pytest.mark.usefixtures("cli")
def test_a_restart_forgets_nothing(server: HoldfastServer) -> None:
    before = told(server, "/1.0/usage"), told(server, f"{DATA}/usage?snapshot=one")
    server.stop()
    server.start()
    assert (told(server, "/1.0/usage"), told(server, f"{DATA}/usage?snapshot=one")) == before


def test_a_rename_takes_them_along(server: HoldfastServer, cli: Cli) -> None:
    before = remembered(server)
    cli.run("rename", "web", "site")
    cli.run("rename", "site/one", "site/uno")
    assert remembered(server)["/1.0/instances/site"] == before["/1.0/instances/web"]
    assert list(remembered(server, "/1.0/instances/site/usage/snapshots")) == ["/1.0/instances/site/snapshots/uno"]
    cli.run("rename", "site", "web")


def test_in_another_pool_it_is_measured_anew(server: HoldfastServer, cli: Cli) -> None:
    cli.run("move", "web", "-s", "bt")
    assert "/1.0/instances/web" not in remembered(server)
    assert remembered(server, "/1.0/instances/web/usage/snapshots") == {}
    assert told(server, "/1.0/instances/web/usage?snapshot=uno")["entries"] > 0
    told(server, "/1.0/instances/web/usage")
    assert "/1.0/instances/web" in remembered(server)


def test_each_project_has_its_own(server: HoldfastServer, cli: Cli) -> None:
    cli.run("project", "create", "lab")
    assert remembered(server, "/1.0/usage?project=lab") == {}
    assert len(remembered(server, "/1.0/usage?all-projects=true")) == 2
    cli.run("project", "delete", "lab")


def test_they_go_with_what_they_are_of(server: HoldfastServer, cli: Cli) -> None:
    cli.run("delete", "web/uno")
    assert remembered(server, "/1.0/instances/web/usage/snapshots") == {}
    cli.run("snapshot", "web", "uno")
    assert remembered(server, "/1.0/instances/web/usage/snapshots") == {}, "another one of that name"
    cli.run("delete", "web")
    cli.run("storage", "volume", "delete", "bt", "data")
    assert remembered(server) == {}
