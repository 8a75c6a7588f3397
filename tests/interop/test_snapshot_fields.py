"""What we add to snapshots stands the real `lxc`, which knows nothing of it; and our own words for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.lxd import LxcClient, require_lxd

SNAPSHOT = "/1.0/instances/box/snapshots/s1"


@pytest.fixture(scope="module")
def server() -> Iterator[HoldfastServer]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as running:
        yield running
    shutil.rmtree(directory)


@pytest.fixture
def lxc(server: HoldfastServer) -> Iterator[LxcClient]:
    """An instance `box` with a snapshot `s1` that is described and held."""
    server.lxc.run("init", "--empty", "box")
    _query(server.lxc, "POST", "/1.0/instances/box/snapshots", name="s1", description="before")
    _query(server.lxc, "PATCH", SNAPSHOT, held=True)
    yield server.lxc
    for row in server.lxc.run("list", "--format", "csv", "-c", "n").split():
        for snapshot in json.loads(server.lxc.run("query", f"/1.0/instances/{row}/snapshots?recursion=1")):
            path = f"/1.0/instances/{row}/snapshots/{snapshot['name']}"
            _query(server.lxc, "PATCH", path, held=False)
        server.lxc.run("delete", row)


def _query(lxc: LxcClient, method: str, path: str, **body: object) -> None:
    lxc.run("query", "--wait", "-X", method, "-d", json.dumps(body), path)


def _show(lxc: LxcClient) -> Any:
    return json.loads(lxc.run("query", SNAPSHOT))


def test_edit_by_lxc_leaves_them_alone(lxc: LxcClient) -> None:
    shown = lxc.run("config", "show", "box/s1")
    lxc.run("config", "edit", "box/s1", stdin=shown.replace("0001-01-01T00:00:00Z", "2040-01-01T00:00:00Z"))
    after = _show(lxc)
    assert (after["expires_at"], after["description"], after["held"]) == ("2040-01-01T00:00:00Z", "before", True)
    assert (after["schedule"], after["due_at"]) == ("", "0001-01-01T00:00:00Z")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_only_what_is_sent_changes(lxc: LxcClient, method: str) -> None:
    before = _show(lxc)
    _query(lxc, method, SNAPSHOT)
    _query(lxc, method, SNAPSHOT, config={"user.x": "1"}, schedule="mine", due_at="2040-01-01T00:00:00Z", name="x")
    assert _show(lxc) == before
    _query(lxc, method, SNAPSHOT, description="after")
    assert _show(lxc) == {**before, "description": "after"}
    _query(lxc, method, SNAPSHOT, held=False, expires_at="2040-01-01T00:00:00Z")
    changed = {"description": "after", "held": False, "expires_at": "2040-01-01T00:00:00Z"}
    assert _show(lxc) == {**before, **changed}


def test_lxc_cannot_take_a_held_one_away(lxc: LxcClient) -> None:
    for words in (("delete", "box/s1"), ("delete", "box"), ("snapshot", "box", "s1", "--reuse")):
        done = lxc.result(*words)
        assert done.returncode == 1, words
        assert "holdfast snapshot release box/s1" in done.stderr.decode(), words
    assert _show(lxc)["held"] is True


@pytest.fixture
def cli(lxc: LxcClient, server: HoldfastServer) -> Cli:
    return Cli(server.socket)


def test_hold_and_release(cli: Cli, lxc: LxcClient) -> None:
    assert "holdfast snapshot release box/s1" in cli.fails("delete", "box/s1")
    assert "holdfast snapshot release box/s1" in cli.fails("delete", "box")
    assert "holdfast snapshot release box/s1" in cli.fails("delete", "--force", "box")
    assert "holdfast snapshot release box/s1" in cli.fails("snapshot", "box", "s1", "--reuse")
    assert "not found" in cli.fails("snapshot", "release", "box/s1", "box/nope")
    assert _show(lxc)["held"] is True
    cli.run("snapshot", "release", "box/s1")
    assert _show(lxc)["held"] is False
    cli.run("snapshot", "hold", "box/s1")
    assert _show(lxc)["held"] is True
    assert cli.fails("snapshot", "hold", "box") == '"box" is an instance: give INSTANCE/SNAPSHOT'


def test_they_are_shown(cli: Cli, lxc: LxcClient) -> None:
    for words in (("snapshot", "list", "box"), ("info", "box")):
        line = next(line for line in cli.run(*words).splitlines() if " s1 " in line)
        assert "YES" in line and "before" in line
    assert "held: true\n" in cli.run("snapshot", "show", "box/s1")
    shown = cli.run("config", "show", "box/s1")
    assert "expires_at: '0001-01-01T00:00:00Z'\ndescription: before\nheld: true\n" in shown
    cli.run("config", "edit", "box/s1", stdin=shown.replace("before", "after").replace("held: true", "held: false"))
    after = _show(lxc)
    assert (after["description"], after["held"], after["expires_at"]) == ("after", False, "0001-01-01T00:00:00Z")
    cli.run("config", "edit", "box/s1", stdin="description:\n")
    assert (_show(lxc)["description"], _show(lxc)["expires_at"]) == ("", "0001-01-01T00:00:00Z")
    assert "held" in cli.fails("config", "edit", "box/s1", stdin="held: perhaps\n")


def moment(snapshot: Any) -> datetime:
    """Return when it was taken: as texts times with parts of a second and without have no order."""
    return datetime.fromisoformat(snapshot["created_at"])


def test_taking_one(cli: Cli, lxc: LxcClient) -> None:
    def taken(name: str) -> Any:
        return json.loads(lxc.run("query", f"/1.0/instances/box/snapshots/{name}"))

    lxc.run("config", "set", "box", "snapshots.expiry", "1d")
    cli.run("snapshot", "box", "a", "--description", "why", "--no-expiry")
    assert (taken("a")["description"], taken("a")["expires_at"]) == ("why", "0001-01-01T00:00:00Z")
    cli.run("snapshot", "create", "box", "b", "--expires", "2040-01-01T12:00:00+02:00")
    assert taken("b")["expires_at"] == "2040-01-01T10:00:00Z"
    cli.run("snapshot", "box", "c", "--expires", "2w 1d")
    made, goes = (datetime.fromisoformat(taken("c")[key]) for key in ("created_at", "expires_at"))
    assert abs(goes - made - timedelta(days=15)) < timedelta(minutes=1)
    cli.run("snapshot", "box", "e", "--disk-volumes=all-exclusive", "--description", "with volumes", "--expires", "1y")
    assert taken("e")["description"] == "with volumes"
    before = moment(taken("c"))
    cli.run("snapshot", "box", "c", "--reuse")
    assert moment(taken("c")) > before
    before = taken("c")
    for refused in (("--stateful",), ("--expires", "99999y"), ("--stateful", "--disk-volumes=all-exclusive")):
        assert cli.fails("snapshot", "box", "c", "--reuse", *refused)
        assert taken("c") == before
    cli.run("snapshot", "box", "c", "--reuse", "--disk-volumes=all-exclusive")
    assert moment(taken("c")) > moment(before)
    assert not [url for url in json.loads(lxc.run("query", "/1.0/instances/box/snapshots")) if "c." in url]
    for text in ("soon", "2030-13-01", "1d 1d"):
        assert cli.fails("snapshot", "box", "d", "--expires", text)
    assert "exclude" in cli.fails("snapshot", "box", "d", "--expires", "1d", "--no-expiry")


def test_an_instance_may_be_called_like_a_verb(cli: Cli, lxc: LxcClient) -> None:
    lxc.run("init", "--empty", "plan")
    cli.run("snapshot", "create", "plan", "s")
    cli.run("snapshot", "local:plan", "t")
    listed = cli.run("snapshot", "list", "plan", "--format", "csv")
    assert [line.split(",")[0] for line in listed.splitlines()] == ["s", "t"]


def test_they_come_through_an_export(lxc: LxcClient, server: HoldfastServer, tmp_path: Any) -> None:
    before = _show(lxc)
    lxc.run("export", "box", tmp_path / "box.tar.gz")
    lxc.run("import", tmp_path / "box.tar.gz", "box2")
    brought = json.loads(lxc.run("query", "/1.0/instances/box2/snapshots/s1"))
    assert {key: brought[key] for key in ("description", "held", "schedule", "due_at")} == {
        key: before[key] for key in ("description", "held", "schedule", "due_at")
    }
    lxc.run("copy", "box", "box3")
    copied = json.loads(lxc.run("query", "/1.0/instances/box3/snapshots/s1"))
    assert (copied["description"], copied["held"]) == ("before", True)
