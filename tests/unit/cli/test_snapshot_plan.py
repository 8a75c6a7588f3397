"""`holdfast snapshot plan` as a table, and how the first word of `holdfast snapshot` is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from holdfast.cli.commands.snapshot_group import snapshot
from holdfast.cli.main import main
from support.unixserver import Asked, UnixServer, background, operation, refusal, sync

NEVER = "0001-01-01T00:00:00Z"
PLAN = [
    {
        "name": "old",
        "kept": False,
        "goes_at": "2026-03-02T12:00:00Z",
        "reason": "its time is over",
        "created_at": "2026-03-01T12:00:00Z",
        "expires_at": "2026-03-02T12:00:00Z",
        "held": False,
        "schedule": "daily",
    },
    {
        "name": "kept",
        "kept": True,
        "goes_at": None,
        "reason": "held",
        "created_at": "2026-03-03T12:00:00Z",
        "expires_at": NEVER,
        "held": True,
        "schedule": "",
    },
]


@pytest.fixture
def socket_path(short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_SOCKET", str(short_tmp_path / "s"))
    monkeypatch.setenv("TZ", "UTC")
    return short_tmp_path / "s"


def test_plan(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync(PLAN)) as server:
        assert main(["snapshot", "plan", "web", "--format", "csv"]) == 0
        assert main(["snapshot", "plan", "web", "--format", "json"]) == 0
    assert {asked.path for asked in server.asked} == {"/1.0/instances/web/snapshot-plan"}
    first, second, document = capsys.readouterr().out.split("\n", 2)
    assert first == "old,2026/03/01 12:00 UTC,daily,NO,2026/03/02 12:00 UTC,its time is over"
    assert second == "kept,2026/03/03 12:00 UTC,,YES,,held"
    assert json.loads(document) == PLAN


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("web", "create web"),
        ("web list", "create web list"),
        ("local:plan", "create local:plan"),
        ("--reuse web s", "create --reuse web s"),
        ("create plan", "create plan"),
        ("list web", "list web"),
        ("ls web", "ls web"),
        ("release web/s", "release web/s"),
        ("--help", "--help"),
        ("", ""),
    ],
)
def test_the_first_word_decides(words: str, meant: str) -> None:
    assert snapshot.with_verb(words.split()) == meant.split()


def test_a_word_of_lxc_still_takes_a_snapshot(socket_path: Path) -> None:
    with UnixServer(socket_path, lambda _: background(operation(200))) as server:
        assert main(["snapshot", "web", "plan", "--no-expiry", "-q"]) == 0
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/1.0/instances/web/snapshots")
    assert asked.json() == {"name": "plan", "stateful": False, "expires_at": NEVER, "disk_volumes_mode": "root"}


def test_a_server_that_knows_no_holds_is_not_asked_for_one(
    socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def respond(asked: Asked) -> bytes:
        return sync({"api_extensions": ["snapshot_expiry"]})

    with UnixServer(socket_path, respond) as server:
        assert main(["snapshot", "hold", "web/s"]) == 1
        assert main(["snapshot", "web", "s", "--description", "why"]) == 1
    assert [asked.path for asked in server.asked] == ["/1.0", "/1.0"]
    assert capsys.readouterr().err.count("holdfast_snapshot_hold") == 2


class Replacing:
    """A server with a snapshot `k1`, at which one kind of request may fail; what changes it was asked is kept."""

    def __init__(self, fails_at: str = "", *, held: bool = False, answer: bytes | None = None) -> None:
        self._fails_at, self._held = fails_at, held
        self._answer = answer or refusal("400 Bad Request", "no room")
        self.changes: list[str] = []

    def __call__(self, asked: Asked) -> bytes:
        if asked.method == "GET" and "/operations/" not in asked.path:
            return sync({"name": "k1", "held": self._held})
        if asked.method == "GET":
            return sync(operation(200))
        name = asked.path.partition("?")[0].rpartition("/")[2]
        said = re.sub("[0-9a-f]{6}", "*", f"{asked.method} {name} {asked.json()['name'] if asked.body else ''}")
        self.changes.append(said.strip())
        if self._fails_at and said.startswith(self._fails_at):
            return self._answer
        return background(operation(200))


OF_INSTANCE = ["snapshot", "v1", "k1", "--reuse", "-q"]
OF_VOLUME = ["storage", "volume", "snapshot", "bt", "v1", "k1", "--reuse", "-q"]
WITH_VOLUMES = [*OF_INSTANCE, "--disk-volumes=all-exclusive"]


BESIDE = [
    ("", ["POST snapshots k1.new-*", "DELETE k1", "POST k1.new-* k1"], ""),
    ("POST snapshots", ["POST snapshots k1.new-*"], "no room"),
    ("DELETE k1 ", ["POST snapshots k1.new-*", "DELETE k1", "DELETE k1.new-*"], "no room"),
    (
        "POST k1.new",
        ["POST snapshots k1.new-*", "DELETE k1", "POST k1.new-* k1"],
        "no room (the new snapshot is there, called v1/k1.new-",
    ),
]
"""The new one has a passing name until the old one is gone. Of each: where it fails, what was asked, what is said."""
ASIDE = [
    ("", ["POST k1 k1.old-*", "POST snapshots k1", "DELETE k1.old-*"], ""),
    ("POST k1 k1.old", ["POST k1 k1.old-*"], "no room"),
    ("POST snapshots", ["POST k1 k1.old-*", "POST snapshots k1", "POST k1.old-* k1"], "no room"),
    (
        "DELETE k1.old",
        ["POST k1 k1.old-*", "POST snapshots k1", "DELETE k1.old-*"],
        "no room (the new snapshot is there, and the old one, too, called v1/k1.old-",
    ),
]
"""What volumes are taken with has its own name at once: the old one makes room, and comes back."""
WAYS = [
    *((words, *way) for words in (OF_INSTANCE, OF_VOLUME) for way in BESIDE),
    *((WITH_VOLUMES, *way) for way in ASIDE),
]


@pytest.mark.parametrize(("words", "fails_at", "changes", "said"), WAYS)
def test_the_old_one_goes_when_the_new_one_is_there(
    socket_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    fails_at: str,
    changes: list[str],
    said: str,
) -> None:
    respond = Replacing(fails_at)
    with UnixServer(socket_path, respond):
        assert main(words) == (1 if fails_at else 0)
    assert respond.changes == changes
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [OF_INSTANCE, OF_VOLUME])
def test_a_new_one_that_fails_on_its_way_is_removed(
    socket_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    respond = Replacing("POST snapshots", answer=background(operation(400, err="the disk is full")))
    with UnixServer(socket_path, respond):
        assert main(words) == 1
    assert respond.changes == ["POST snapshots k1.new-*", "DELETE k1.new-*"]
    assert capsys.readouterr().err == "Error: the disk is full\n"


@pytest.mark.parametrize("words", [OF_INSTANCE, OF_VOLUME])
def test_an_old_one_that_went_by_itself_is_no_hindrance(socket_path: Path, words: list[str]) -> None:
    respond = Replacing("DELETE k1 ", answer=refusal("404 Not Found", "Snapshot not found"))
    with UnixServer(socket_path, respond):
        assert main(words) == 0
    assert respond.changes == ["POST snapshots k1.new-*", "DELETE k1", "POST k1.new-* k1"]


@pytest.mark.parametrize("words", [OF_INSTANCE, OF_VOLUME, WITH_VOLUMES])
def test_a_held_one_is_refused_before_anything_is_done(
    socket_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    respond = Replacing(held=True)
    with UnixServer(socket_path, respond):
        assert main(words) == 1
    assert respond.changes == []
    assert "release first with" in capsys.readouterr().err
