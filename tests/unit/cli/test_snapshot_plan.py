"""`holdfast snapshot plan` as a table, and how the first word of `holdfast snapshot` is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.cli.commands.snapshot_group import snapshot
from holdfast.cli.main import main
from support.unixserver import Asked, UnixServer, background, operation, sync

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
