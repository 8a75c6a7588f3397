"""Warnings through the real `lxc` client and through our own command."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from holdfast.db.database import Database, sqlite_url
from holdfast.model.clock import SystemClock
from holdfast.service.events import EventBus
from holdfast.service.paths import Paths
from holdfast.service.warnings import WarningService
from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.lxd import require_lxd


@pytest.fixture(scope="module")
def server() -> Iterator[HoldfastServer]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as running:
        yield running
    shutil.rmtree(directory)


@pytest.fixture
def raised(server: HoldfastServer) -> Iterator[str]:
    """Raise one about an instance `box` and one about nothing in the daemon's database; give the first one's id."""
    server.lxc.run("init", "--empty", "box")
    database = Database(sqlite_url(Paths(server.directory).database))
    service = WarningService(database=database, events=EventBus(), clock=SystemClock())
    for _ in range(2):
        service.raise_("default", "It fails", "/1.0/instances/box", "for want of space")
    service.raise_(None, "It is late", "", "by an hour")
    (found,) = service.list("default")
    database.close()
    yield found.id
    if server.lxc.run("list", "--format", "csv"):
        server.lxc.run("delete", "box")
    for each in json.loads(server.lxc.run("warning", "list", "--all", "--format", "json")) or []:
        server.lxc.run("warning", "delete", each["uuid"])


def test_lxc(server: HoldfastServer, raised: str) -> None:
    lxc = server.lxc
    listed = lxc.run("warning", "list", "--format", "csv", "-c", "utSscp")
    assert f"{raised},It fails,NEW,MODERATE,2,default" in listed, listed
    shown = lxc.yaml("warning", "show", raised)
    assert (shown["count"], shown["last_message"], shown["status"]) == (2, "for want of space", "new")
    assert shown["entity_url"] == "/1.0/instances/box"
    lxc.run("warning", "ack", raised)
    assert "It fails" not in lxc.run("warning", "list") and "It fails" in lxc.run("warning", "list", "--all")
    assert "Warning not found" in lxc.result("warning", "show", "nope").stderr.decode()
    lxc.run("warning", "delete", raised)
    assert "It fails" not in lxc.run("warning", "list", "--all")


def test_they_go_with_the_instance(server: HoldfastServer, raised: str) -> None:
    server.lxc.run("rename", "box", "crate")
    assert server.lxc.yaml("warning", "show", raised)["entity_url"] == "/1.0/instances/crate"
    server.lxc.run("delete", "crate")
    assert "Warning not found" in server.lxc.result("warning", "show", raised).stderr.decode()


def test_holdfast(server: HoldfastServer, raised: str) -> None:
    cli = Cli(server.socket)
    listed = cli.run("warning", "list")
    assert "It fails" in listed and "instances/box" in listed and "It is late" in listed
    assert "last_message: for want of space" in cli.run("warning", "show", raised)
    cli.run("warning", "ack", raised)
    assert "It fails" not in cli.run("warning", "list")
    assert json.loads(cli.run("warning", "list", "--all", "--format", "json"))
    assert cli.fails("warning", "show", "nope") == "Warning not found"
    assert cli.fails("warning", "delete") == "Give UUIDs or --all"
    cli.run("warning", "delete", "--all")
    assert "It" not in cli.run("warning", "list", "--all")


def test_their_changes_are_events(server: HoldfastServer, raised: str) -> None:
    """The real monitor may be connected only after the first changes: they are made until it has told all three."""
    put = ("query", "-X", "PUT", f"/1.0/warnings/{raised}", "-d")
    monitor = subprocess.Popen(
        ["lxc", "monitor", "--type=lifecycle", "--format=json"], env=server.lxc.environment, stdout=subprocess.PIPE
    )
    with monitor:
        try:
            assert monitor.stdout is not None
            told = _Told(monitor.stdout.fileno())
            while not told.actions() >= {"warning-acknowledged", "warning-reset"}:
                for status in ("acknowledged", "new"):
                    server.lxc.run(*put, json.dumps({"status": status}))
                told.read_on()
            server.lxc.run("warning", "delete", raised)
            while "warning-deleted" not in told.actions():
                told.read_on()
            assert told.sources() == {f"/1.0/warnings/{raised}"}
        finally:
            monitor.terminate()


class _Told:
    """What a monitor has told so far of warnings, one JSON document per line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._text, self._deadline = descriptor, b"", time.monotonic() + 200

    def read_on(self) -> None:
        assert time.monotonic() < self._deadline, self._text
        while select.select([self._descriptor], [], [], 0.5)[0]:
            more = os.read(self._descriptor, 65536)
            assert more, f"the monitor has ended: {self._text!r}"
            self._text += more

    def _events(self) -> list[dict[str, str]]:
        whole = self._text[: self._text.rfind(b"\n") + 1].split(b"\n")
        events = [json.loads(line)["metadata"] for line in whole if line]
        return [event for event in events if event["action"].startswith("warning-")]

    def actions(self) -> set[str]:
        return {event["action"] for event in self._events()}

    def sources(self) -> set[str]:
        return {event["source"] for event in self._events()}
