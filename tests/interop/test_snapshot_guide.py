"""LXD's guide "How to back up instances", sentence by sentence, with the real `lxc` 5.0.2: snapshots of instances.

With HOLDFAST_TEST_PEER=lxd the same tests run against the distribution's real LXD: that is how they were checked.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxcClient, LxdServer, require_lxd

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]

NEVER = "0001-01-01T00:00:00Z"
SNAPSHOTS = "/1.0/instances/box/snapshots"


@pytest.fixture(scope="module")
def lxc() -> Iterator[LxcClient]:
    """A server with pools and the image `tiny`, seen through the real client."""
    require_lxd()
    directory = short_directory()
    kind = LxdServer if os.environ.get("HOLDFAST_TEST_PEER") == "lxd" else HoldfastServer
    with kind(directory / "d") as server:
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        yield server.lxc
    shutil.rmtree(directory)


@pytest.fixture(params=["default", "bt"])
def box(request: pytest.FixtureRequest, lxc: LxcClient) -> Iterator[str]:
    """A stopped instance with "old" in /root/data, on the dir pool and on the btrfs pool."""
    lxc.run("init", "tiny", "box", "-s", request.param, "-c", "user.mark=1")
    _write(lxc, "old")
    yield "box"
    for instance in json.loads(lxc.run("list", "--format", "json")):
        lxc.run("delete", "--force", instance["name"])
    lxc.run("image", "delete", "made", expect=None)


def _write(lxc: LxcClient, text: str) -> None:
    lxc.run("file", "push", "-", "box/root/data", stdin=text)


def _read(lxc: LxcClient, name: str = "box") -> str:
    return lxc.run("file", "pull", f"{name}/root/data", "-")


def _query(lxc: LxcClient, method: str, path: str, body: object = None, *, wait: bool = True) -> Any:
    words = ["--wait"] if wait else []
    words += ["-d", json.dumps(body)] if body is not None else []
    return json.loads(lxc.run("query", *words, "-X", method, path) or "null")


def _names(lxc: LxcClient) -> list[str]:
    return [url.rpartition("/")[2] for url in _query(lxc, "GET", SNAPSHOTS, wait=False)]


def _fails(lxc: LxcClient, *words: str, stdin: str | None = None) -> str:
    done = lxc.result(*words, stdin=stdin)
    assert done.returncode == 1, f"lxc {' '.join(words)}: {done.stdout!r} {done.stderr!r}"
    return done.stderr.decode().strip()


# --- create a snapshot ----------------------------------------------------------------------------------------------


def test_create_named_unnamed_and_reused(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box)
    lxc.run("snapshot", box)
    lxc.run("snapshot", box, "named")
    assert _names(lxc) == ["snap0", "snap1", "named"]
    _write(lxc, "new")
    text = _fails(lxc, "snapshot", box, "named")
    assert text.endswith('"instances_snapshots" entry already exists')
    lxc.run("snapshot", box, "named", "--reuse")
    lxc.run("restore", box, "named")
    assert _read(lxc) == "new"
    lxc.run("config", "set", box, "snapshots.pattern", "daily-%d")
    lxc.run("snapshot", box)
    assert _names(lxc)[-1] == "daily-0"


def test_create_with_and_without_expiry(lxc: LxcClient, box: str) -> None:
    lxc.run("config", "set", box, "snapshots.expiry", "2w")
    lxc.run("snapshot", box, "expiring")
    lxc.run("snapshot", box, "kept", "--no-expiry")
    found = {name: _query(lxc, "GET", f"{SNAPSHOTS}/{name}", wait=False) for name in ("expiring", "kept")}
    assert found["kept"]["expires_at"] == NEVER
    made, goes = (datetime.fromisoformat(found["expiring"][key]) for key in ("created_at", "expires_at"))
    assert goes > made


def test_create_is_refused(lxc: LxcClient, box: str) -> None:
    assert _fails(lxc, "snapshot", box, "a/b") == 'Error: Invalid snapshot name: Cannot contain "/"'
    assert "Cannot contain space or / characters" in _fails(lxc, "snapshot", box, "bad name")
    assert "not found" in _fails(lxc, "snapshot", "nosuch").lower()
    assert _names(lxc) == []


def test_create_of_a_running_instance(lxc: LxcClient, box: str) -> None:
    lxc.run("start", box)
    lxc.run("snapshot", box, "live")
    assert _fails(lxc, "snapshot", box, "memory", "--stateful")
    assert _names(lxc) == ["live"]
    assert "RUNNING" in lxc.run("list", "--format", "csv", "-c", "s")


def test_create_by_the_api(lxc: LxcClient, box: str) -> None:
    _query(lxc, "POST", f"/1.0/instances/{box}/snapshots", {"name": "asked"})
    _query(lxc, "POST", SNAPSHOTS, {"name": "until", "expires_at": "2040-03-23T17:38:37.753398689-04:00"})
    _query(lxc, "POST", SNAPSHOTS, {"name": "", "stateful": False})
    assert _names(lxc) == ["asked", "until", "snap0"]
    until = datetime.fromisoformat(_query(lxc, "GET", f"{SNAPSHOTS}/until", wait=False)["expires_at"])
    assert until.astimezone(UTC).replace(microsecond=0) == datetime(2040, 3, 23, 21, 38, 37, tzinfo=UTC)


# --- view, edit or delete snapshots ---------------------------------------------------------------------------------


def test_view(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    table = lxc.run("info", box).partition("Snapshots:")[2]
    assert [word.strip() for word in table.splitlines()[2].strip("|").split("|")] == [
        "NAME",
        "TAKEN AT",
        "EXPIRES AT",
        "STATEFUL",
    ]
    assert "| one" in table
    shown = lxc.yaml("config", "show", f"{box}/one")
    assert shown["config"]["user.mark"] == "1"
    assert shown["name"] == "one"
    assert set(shown) == {
        *("architecture", "config", "created_at", "devices", "ephemeral", "expanded_config", "expanded_devices"),
        *("expires_at", "last_used_at", "name", "profiles", "size", "stateful"),
    }
    assert lxc.yaml("config", "show", f"{box}/one", "--expanded")["devices"]["root"]["path"] == "/"
    assert _query(lxc, "GET", f"{SNAPSHOTS}?recursion=1", wait=False)[0]["name"] == "one"
    assert "not found" in _fails(lxc, "config", "show", f"{box}/nosuch")


def test_edit_takes_the_expiry_and_ignores_the_rest(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    shown = lxc.yaml("config", "show", f"{box}/one")
    changed = {**shown, "expires_at": "2041-01-01T00:00:00Z", "config": {"user.mark": "2"}, "ephemeral": True}
    lxc.run("config", "edit", f"{box}/one", stdin=yaml.safe_dump(changed))
    after = lxc.yaml("config", "show", f"{box}/one")
    assert after == {**shown, "expires_at": after["expires_at"]}
    assert str(after["expires_at"]).startswith("2041-01-01")
    _query(lxc, "PATCH", f"{SNAPSHOTS}/one", {"expires_at": "2042-01-01T00:00:00Z", "description": "ignored"})
    assert _query(lxc, "GET", f"{SNAPSHOTS}/one", wait=False)["expires_at"] == "2042-01-01T00:00:00Z"
    _query(lxc, "PUT", f"{SNAPSHOTS}/one", {"expires_at": NEVER, "config": {"no.such": "key"}})
    assert _query(lxc, "GET", f"{SNAPSHOTS}/one", wait=False)["expires_at"] == NEVER


def test_rename(lxc: LxcClient, box: str) -> None:
    for name in ("one", "two"):
        lxc.run("snapshot", box, name)
    lxc.run("rename", f"{box}/one", f"{box}/uno")
    assert _names(lxc) == ["uno", "two"]
    assert _fails(lxc, "rename", f"{box}/uno", f"{box}/two") == f"Error: Name '{box}/two' already in use"
    _query(lxc, "POST", f"{SNAPSHOTS}/two", {"name": "due"})
    assert _names(lxc) == ["uno", "due"]
    assert _fails(lxc, "rename", f"{box}/nosuch", f"{box}/other")


def test_delete_one_several_and_none(lxc: LxcClient, box: str) -> None:
    for name in ("one", "two", "three", "four"):
        lxc.run("snapshot", box, name)
    lxc.run("delete", f"{box}/one")
    lxc.run("delete", f"{box}/two", f"{box}/three")
    assert _names(lxc) == ["three", "four"], "this client ends after its first snapshot, whatever the server is"
    lxc.run("delete", f"{box}/three")
    _query(lxc, "DELETE", f"{SNAPSHOTS}/four")
    assert _names(lxc) == []
    assert "InstanceSnapshot not found" in _fails(lxc, "delete", f"{box}/nosuch")


# --- schedule snapshots ---------------------------------------------------------------------------------------------


def test_schedule_by_the_words_of_the_guide(lxc: LxcClient, box: str) -> None:
    for schedule in ("@daily", "0 6 * * *", "@hourly, @weekly"):
        lxc.run("config", "set", box, "snapshots.schedule", schedule)
        assert lxc.run("config", "get", box, "snapshots.schedule").strip() == schedule
    lxc.run("config", "set", box, "snapshots.schedule.stopped=true", "snapshots.expiry=1M 2H 3d 4w 5m 6y")
    assert _fails(lxc, "config", "set", box, "snapshots.schedule", "at noon")
    _query(lxc, "PATCH", f"/1.0/instances/{box}", {"config": {"snapshots.schedule": "@weekly"}}, wait=False)
    assert lxc.run("config", "get", box, "snapshots.schedule").strip() == "@weekly"
    lxc.run("config", "unset", box, "snapshots.schedule")


# --- restore --------------------------------------------------------------------------------------------------------


def test_restore_brings_back_content_and_configuration(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    _write(lxc, "new")
    lxc.run("config", "set", box, "user.mark=2")
    lxc.run("snapshot", box, "two")
    lxc.run("restore", box, "one")
    assert (_read(lxc), lxc.run("config", "get", box, "user.mark").strip()) == ("old", "1")
    assert _names(lxc) == ["one", "two"], "restoring an older snapshot keeps the newer ones"
    _query(lxc, "PUT", f"/1.0/instances/{box}", {"restore": "two"})
    assert (_read(lxc), lxc.run("config", "get", box, "user.mark").strip()) == ("new", "2")
    _query(lxc, "PUT", f"/1.0/instances/{box}", {"restore": "one", "stateful": False})
    assert _read(lxc) == "old"


def test_restore_of_a_running_instance_starts_it_again(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    lxc.run("start", box)
    lxc.run("exec", box, "--", "sh", "-c", "echo -n new >/root/data")
    lxc.run("restore", box, "one")
    assert "RUNNING" in lxc.run("list", "--format", "csv", "-c", "s")
    assert lxc.run("exec", box, "cat", "/root/data") == "old"


def test_restore_is_refused(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    assert _fails(lxc, "restore", box, "nosuch") == f"Error: Snapshot {box}/nosuch does not exist"
    text = "Error: Stateful snapshot restore requested by snapshot is stateless"
    assert _fails(lxc, "restore", box, "one", "--stateful") == text
    assert _fails(lxc, "query", "-X", "PATCH", "-d", '{"restore": "one"}', f"/1.0/instances/{box}")
    assert _read(lxc) == "old"


# --- images and instances from snapshots ------------------------------------------------------------------------------


def test_image_from_a_snapshot(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    _write(lxc, "new")
    lxc.run("publish", f"{box}/one", "--alias", "made", "--expire", "2040-01-01T00:00:00Z", "title=mine")
    image = _query(lxc, "GET", "/1.0/images/aliases/made", wait=False)["target"]
    shown = _query(lxc, "GET", f"/1.0/images/{image}", wait=False)
    assert (shown["expires_at"], shown["properties"]["title"]) == ("2040-01-01T00:00:00Z", "mine")
    lxc.run("init", "made", "again")
    assert _read(lxc, "again") == "old"
    lxc.run("image", "delete", "made")
    body = {"source": {"type": "snapshot", "name": f"{box}/one"}, "aliases": [{"name": "made"}]}
    _query(lxc, "POST", "/1.0/images", body)
    lxc.run("init", "made", "once-more")
    assert _read(lxc, "once-more") == "old"


def test_instance_from_a_snapshot(lxc: LxcClient, box: str) -> None:
    lxc.run("snapshot", box, "one")
    _write(lxc, "new")
    lxc.run("copy", f"{box}/one", "from-one")
    assert _read(lxc, "from-one") == "old"
    assert _query(lxc, "GET", "/1.0/instances/from-one/snapshots", wait=False) == []
    other = {"default": "bt", "bt": "default"}[lxc.run("list", box, "--format", "csv", "-c", "b").strip()]
    lxc.run("copy", f"{box}/one", "elsewhere", "-s", other, "-c", "user.mark=9", "--no-profiles")
    assert (_read(lxc, "elsewhere"), lxc.run("config", "get", "elsewhere", "user.mark").strip()) == ("old", "9")
    _query(lxc, "POST", "/1.0/instances", {"name": "asked", "source": {"type": "copy", "source": f"{box}/one"}})
    assert _read(lxc, "asked") == "old"
    assert _fails(lxc, "copy", f"{box}/nosuch", "other")
    lxc.run("copy", box, "with-all")
    assert _query(lxc, "GET", "/1.0/instances/with-all/snapshots", wait=False) == [
        "/1.0/instances/with-all/snapshots/one"
    ]
    lxc.run("copy", box, "alone", "--instance-only")
    assert _query(lxc, "GET", "/1.0/instances/alone/snapshots", wait=False) == []
