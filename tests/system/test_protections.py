"""Protections between two servers of ours: what is refused, paused, missing, late; the words of the command line."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.http import ask
from support.images import make_tiny_image
from support.invariants import violations
from support.ports import free_port
from support.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs", "busybox")]
PATH = "/1.0/protections"


@dataclass
class World:
    """A server with the instances `web` and `db`, a backup server that knows it as `home`, and our command there."""

    home: HoldfastServer
    backup: HoldfastServer
    cli: Cli
    directory: Path

    def ask(self, method: str, path: str, **body: object) -> Any:
        text = self.backup.lxc.run("query", "-X", method, "-d", json.dumps(body), path)
        return json.loads(text or "null")

    def protect(self, pattern: str, *options: str) -> str:
        return self.cli.run("backup-server", "protect", f"home:{pattern}", "--every", "@monthly", *options)

    def names(self) -> list[str]:
        return sorted(self.backup.lxc.run("list", "--format", "csv", "-c", "n").split())


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as home, HoldfastServer(directory / "b") as backup:
        home.lxc.run("image", "import", image, "--alias", "tiny")
        address = f"127.0.0.1:{free_port()}"
        home.lxc.run("config", "set", f"core.https_address={address}", "core.trust_password=secret")
        for name in ("web", "db"):
            home.lxc.run("init", "tiny", name, "-s", "bt")
        cli = Cli(backup.socket)
        cli.environment["HOLDFAST_CONF"] = str(directory / "conf")
        cli.run("remote", "add", "home", address, "--accept-certificate", "--password", "secret")
        yield World(home, backup, cli, directory)
    shutil.rmtree(directory)


@pytest.fixture
def world(made: World) -> Iterator[World]:
    yield made
    for url in made.ask("GET", PATH):
        made.ask("DELETE", url)
    for name in made.names():
        made.backup.lxc.run("delete", "--force", name)
    assert violations(made.backup) == []
    assert violations(made.home) == []


def test_every_instance_of_a_pattern(world: World) -> None:
    world.protect("*", "--keep", "last=3", "--pool", "bt", "--now")
    assert world.names() == ["db", "web"]
    listed = json.loads(world.cli.run("backup-server", "list", "--format", "json"))
    assert [(each["name"], each["remote"], each["pattern"], each["pool"]) for each in listed] == [
        ("home-all", "home", "*", "bt")
    ]
    assert world.cli.run("backup-server", "status", "home-all").count(" OK ") == 2
    metrics = ask(world.backup.socket, "GET", "/1.0/metrics").raw.decode()
    for name in ("db", "web"):
        labels = f'{{protection="home-all",project="default",instance="{name}"}}'
        assert f"holdfast_copy_late{labels} 0\n" in metrics
        assert f"holdfast_copy_age_seconds{labels} " in metrics
    assert 'holdfast_pool_total_bytes{pool="bt",driver="btrfs"}' in metrics
    text = world.cli.run("backup-server", "list", "--format", "csv")
    assert text.startswith("home-all,home:default/*,@monthly,last=3,bt,2,")


def test_the_first_server_knows_of_its_copies(world: World) -> None:
    """By the certificate of the one who had them sent: each pull takes the place of the one before."""

    def copies() -> list[dict[str, str]]:
        found: list[dict[str, str]] = ask(world.home.socket, "GET", "/1.0/instances/web/copies").body["metadata"]
        return found

    world.protect("web", "--pool", "bt", "--now")
    await_true(lambda: copies() != [], "that the first server has noted the copy")
    (first,) = copies()
    trusted = ask(world.home.socket, "GET", f"/1.0/certificates/{first['fingerprint']}").body["metadata"]
    own = ask(world.backup.socket, "GET", "/1.0").body["metadata"]["environment"]["certificate_fingerprint"]
    assert (first["server"], first["fingerprint"]) == (trusted["name"], own), "the backup server itself"
    world.cli.run("backup-server", "run-now", "home-web")
    await_true(lambda: copies() != [first], "that the first server has noted the second copy")
    (later,) = copies()
    assert datetime.fromisoformat(later["pulled_at"]) > datetime.fromisoformat(first["pulled_at"])
    (web,) = [each for each in ask(world.home.socket, "GET", "/1.0/safety").body["metadata"] if each["name"] == "web"]
    assert web["newest_copy_at"] == later["pulled_at"]
    assert ask(world.home.socket, "GET", "/1.0/instances/nosuch/copies").status == 404


def test_an_instance_that_is_no_copy_is_left_alone(world: World, tmp_path: Path) -> None:
    world.backup.lxc.run("image", "import", make_tiny_image(tmp_path / "tiny.tar.gz"), "--alias", "mine")
    world.backup.lxc.run("init", "mine", "web")
    world.protect("web")
    said = world.cli.fails("backup-server", "run-now", "home-web")
    assert "no copy of this protection" in said
    assert "image" in str(world.ask("GET", "/1.0/instances/web")["config"])
    assert world.cli.result("backup-server", "status").returncode == 0
    assert "FAILING: 1 of 1 could not be pulled: web: " in world.cli.run("backup-server", "list")
    world.backup.lxc.run("image", "delete", "mine")


def test_two_protections_about_one_instance(world: World) -> None:
    """The one that names it pulls it, into the copy that is there; without that one the other goes on."""

    def copies() -> dict[str, list[str]]:
        found = world.ask("GET", f"{PATH}?recursion=1")
        return {each["name"]: [copy["instance"] for copy in each["copies"]] for each in found}

    def config(name: str) -> dict[str, str]:
        found: dict[str, str] = world.ask("GET", f"/1.0/instances/{name}")["config"]
        return found

    world.protect("*", "--pool", "bt", "--now")
    world.protect("web", "--pool", "default", "--keep", "last=5", "--now")
    assert copies() == {"home-all": ["db", "web"], "home-web": ["web"]}
    world.cli.run("backup-server", "run-now", "home-all")
    assert copies() == {"home-all": ["db"], "home-web": ["web"]}
    web = world.ask("GET", "/1.0/instances/web")
    assert web["devices"]["root"]["pool"] == "bt", "the copy stays where it is"
    assert config("web")["snapshots.keep"] == "last=5"
    world.cli.run("backup-server", "pause", "home-web")
    world.cli.run("backup-server", "run-now", "home-all")
    assert copies() == {"home-all": ["db"], "home-web": ["web"]}, "one that is paused is still in charge"
    world.cli.run("backup-server", "remove", "home-web")
    world.cli.run("backup-server", "run-now", "home-all")
    assert copies() == {"home-all": ["db", "web"]}
    assert "snapshots.keep" not in config("web")
    assert len(world.ask("GET", "/1.0/instances/web/snapshots")) == 3, "of each run, whosever"


def test_a_copy_that_was_started_is_not_changed(world: World) -> None:
    world.protect("web", "--now")
    succeeded_at = world.ask("GET", f"{PATH}/home-web")["last_success_at"]
    assert succeeded_at, "a run by hand is one, too"
    world.backup.lxc.run("start", "web")
    world.backup.lxc.run("exec", "web", "--", "sh", "-c", "echo here > /root/mark")
    assert "was started here" in world.cli.fails("backup-server", "run-now", "home-web")
    assert world.backup.lxc.run("exec", "web", "--", "cat", "/root/mark") == "here\n"
    world.backup.lxc.run("stop", "--force", "web")
    said = world.cli.fails("backup-server", "run-now", "home-web")
    assert f"FAILING: {said}" in world.cli.run("backup-server", "list")
    failures = 'holdfast_protection_failures{protection="home-web"}'
    assert f"{failures} 1\n" in ask(world.backup.socket, "GET", "/1.0/metrics").raw.decode()
    assert world.ask("GET", f"{PATH}/home-web")["last_success_at"] == succeeded_at
    assert world.cli.run("file", "pull", "web/root/mark", "-") == "here\n"
    remedy = said.split("`holdfast ")[1].split("`")[0]
    world.cli.run(*remedy.split())
    world.cli.run("backup-server", "run-now", "home-web")
    assert f"{failures} 0\n" in ask(world.backup.socket, "GET", "/1.0/metrics").raw.decode()
    assert world.ask("GET", f"{PATH}/home-web")["last_success_at"] > succeeded_at
    assert world.cli.result("file", "pull", "web/root/mark", "-").returncode != 0
    world.backup.lxc.run("start", "web")
    world.backup.lxc.run("stop", "--force", "web")
    world.cli.fails("backup-server", "run-now", "home-web")
    world.backup.lxc.run("rename", "web", "kept")
    world.cli.run("backup-server", "run-now", "home-web")
    assert world.names() == ["kept", "web"]


def test_a_copy_that_is_restored_is_still_the_copy(world: World) -> None:
    """Its home's snapshots don't know whose copy it is; nor do they bring their schedules or rules to keep here."""

    def config() -> dict[str, str]:
        found = world.ask("GET", "/1.0/instances/web")["config"]
        return {key: value for key, value in found.items() if key.startswith(("snapshots.", "user.", "boot."))}

    world.home.lxc.run("config", "set", "web", "snapshots.keep=last=1", "boot.autostart=true", "user.note=old")
    world.home.lxc.run("snapshot", "web", "old")
    world.home.lxc.run("config", "set", "web", "user.note=new")
    try:
        world.protect("web", "--keep", "last=3", "--now")
        before = config()
        assert (before["user.holdfast.copy_of"], before["snapshots.keep"]) == ("home-web", "last=3")
        world.cli.run("restore", "web", "old")
        assert config() == {**before, "user.note": "old"}
        world.cli.run("backup-server", "run-now", "home-web")
        assert config() == before
        world.backup.lxc.run("start", "web")
        world.backup.lxc.run("stop", "--force", "web")
        world.cli.run("restore", "web", "old")
        assert "was started here" in world.cli.fails("backup-server", "run-now", "home-web")
        for key in ("copy_of", "copy_started"):
            world.backup.lxc.run("config", "unset", "web", f"user.holdfast.{key}")
        pulled = next(name for name in world.ask("GET", "/1.0/instances/web/snapshots") if "/pull-" in name)
        world.cli.run("restore", "web", pulled.rpartition("/")[2])
        assert "user.holdfast.copy_of" not in config(), "it was given a life of its own"
    finally:
        world.home.lxc.run("delete", "web/old")
        for key in ("snapshots.keep", "boot.autostart", "user.note"):
            world.home.lxc.run("config", "unset", "web", key)


def test_what_matches_nothing_is_told(world: World) -> None:
    assert 'home has no instance "later*"' in world.protect("later*")
    assert "WAITING: nothing was pulled so far" in world.cli.run("backup-server", "status", "home-laterall")
    assert ",WAITING\n" in world.cli.run("backup-server", "list", "--format", "csv")
    said = world.cli.fails("backup-server", "run-now", "home-laterall")
    assert 'home has no instance "later*"' in said
    assert f"FAILED: {said}" in world.cli.run("backup-server", "status", "home-laterall")
    assert f"FAILING: {said}" in world.cli.run("backup-server", "list")
    world.home.lxc.run("init", "tiny", "later1", "-s", "bt")
    try:
        world.cli.run("backup-server", "run-now", "home-laterall")
        assert "FAIL" not in world.cli.run("backup-server", "status", "home-laterall")
        assert ",OK\n" in world.cli.run("backup-server", "list", "--format", "csv")
    finally:
        world.home.lxc.run("delete", "later1")


def test_settings_follow(world: World) -> None:
    world.protect("db", "--now")
    world.home.lxc.run("config", "set", "db", "limits.memory=128MiB")
    world.cli.run("backup-server", "run-now", "home-db")
    assert world.ask("GET", "/1.0/instances/db")["config"]["limits.memory"] == "128MiB"
    world.home.lxc.run("config", "unset", "db", "limits.memory")
    world.cli.run("backup-server", "run-now", "home-db")
    assert "limits.memory" not in world.ask("GET", "/1.0/instances/db")["config"]


@pytest.mark.parametrize("pool", ["bt", "default"])
def test_what_is_not_kept_is_not_sent_again(world: World, pool: str) -> None:
    """Of what schedules made there; what was made by hand there doesn't count, and stays.

    From a dir pool differences build on snapshots alone, and the one before a new one may be one that isn't here.
    """

    def scheduled() -> None:
        before = len(there())
        world.home.lxc.run("config", "set", "kept", "snapshots.schedule=@startup")
        world.home.lxc.run("start", "kept")
        await_true(lambda: len(there()) > before, "the snapshot before the start")
        world.home.lxc.run("stop", "--force", "kept")
        world.home.lxc.run("config", "unset", "kept", "snapshots.schedule")

    def there() -> list[str]:
        return [each["name"] for each in json.loads(world.home.lxc.run("query", f"{path}?recursion=1"))]

    def here() -> list[str]:
        return [each["name"] for each in world.ask("GET", f"{path}?recursion=1")]

    def run() -> None:
        world.cli.run("backup-server", "run-now", "home-kept")

    def prune() -> None:
        """Do what the next look at the copies would, once a minute, unless it has been there."""
        for each in world.ask("GET", "/1.0/instances/kept/snapshot-plan"):
            if not each["kept"]:
                world.backup.lxc.run("delete", f"kept/{each['name']}", expect=None)

    path = "/1.0/instances/kept/snapshots"
    world.home.lxc.run("init", "tiny", "kept", "-s", pool)
    try:
        world.home.lxc.run("snapshot", "kept", "by-hand")
        scheduled()
        scheduled()
        _, old, new = there()
        world.protect("kept", "--keep", "last=1", "--pool", "bt", "--now")
        prune()
        assert here() == ["by-hand", new]
        run()
        assert old not in here()
        prune()
        by_hand, last = here()
        assert by_hand == "by-hand" and last.startswith("pull-")
        taken_at = datetime.fromisoformat(world.ask("GET", f"{path}/{last}")["created_at"])
        await_true(lambda: int(time.time()) > taken_at.timestamp(), "a later second, which is what servers tell")
        scheduled()
        newest = there()[-1]
        run()
        assert not {old, new} & set(here())
        prune()
        assert here() == ["by-hand", newest]
        assert there() == ["by-hand", old, new, newest]
        world.cli.run("backup-server", "change", "home-kept", "--keep", "last=9")
        run()
        assert {old, new} < set(here()) and here()[-1].startswith("pull-"), "older ones are no reason to leave none"
    finally:
        world.home.lxc.run("delete", "--force", "kept")


def test_what_is_gone_there_stays_here(world: World) -> None:
    world.home.lxc.run("copy", "web", "brief")
    world.protect("b*", "--now")
    world.home.lxc.run("delete", "brief")
    assert "has no instance" in world.cli.fails("backup-server", "run-now", "home-ball")
    (copy,) = world.ask("GET", f"{PATH}/home-ball")["copies"]
    assert copy["missing"] and not copy["late"]
    assert "GONE THERE" in world.cli.run("backup-server", "status")
    assert world.names() == ["brief"]
    world.cli.run("backup-server", "remove", "home-ball")
    assert world.names() == ["brief"]


@pytest.mark.parametrize("pool", ["bt", "default"])
def test_a_name_that_is_used_again_there_replaces_no_snapshot_here(world: World, pool: str) -> None:
    """Else whoever makes an instance anew there, or has broken into that server, could undo the history here."""

    def make(content: str) -> None:
        world.home.lxc.run("init", "tiny", "again", "-s", pool)
        world.home.lxc.run("file", "push", "-", "again/root/mark", stdin=content)
        world.home.lxc.run("snapshot", "again", "before")
        world.home.lxc.run("file", "push", "-", "again/root/mark", stdin=f"{content}, later")

    def marks() -> list[tuple[str, str]]:
        found = world.ask("GET", "/1.0/instances/again/snapshots?recursion=1")
        names = [each["name"] for each in found if not each["name"].startswith("pull-")]
        return [(name, world.cli.run("file", "pull", f"again/{name}/root/mark", "-")) for name in names]

    make("one")
    try:
        world.protect("again", "--pool", "bt", "--now")
        first_at = datetime.fromisoformat(world.ask("GET", "/1.0/instances/again/snapshots/before")["created_at"])
        aside = f"before-{first_at:%Y%m%d-%H%M%S}"
        world.cli.run("snapshot", "hold", "again/before")
        world.home.lxc.run("delete", "--force", "again")
        make("two")
        world.cli.run("backup-server", "run-now", "home-again")
        (former,) = (name for name, _ in marks() if name.startswith("former-"))
        assert marks() == [(aside, "one"), ("before", "two"), (former, "one, later")]
        assert world.cli.run("file", "pull", "again/root/mark", "-") == "two, later"
        assert world.ask("GET", f"/1.0/instances/again/snapshots/{aside}")["held"], "as it was before"
        world.cli.run("backup-server", "run-now", "home-again")
        assert marks() == [(aside, "one"), ("before", "two"), (former, "one, later")], "once"
        world.cli.run("snapshot", "release", f"again/{aside}")
    finally:
        world.home.lxc.run("delete", "--force", "again")


def test_a_run_that_is_cut_after_it_kept_the_former_state_keeps_it_once(world: World) -> None:
    world.home.lxc.run("init", "tiny", "twice", "-s", "bt")
    try:
        world.protect("twice", "--pool", "bt", "--now")
        world.home.lxc.run("delete", "--force", "twice")
        world.home.lxc.run("init", "tiny", "twice", "-s", "bt")
        world.backup.crash_at("snapshot-create:committed")
        world.cli.fails("backup-server", "run-now", "home-twice")
        world.backup.wait_for_death()
        world.backup.start()
        world.cli.run("backup-server", "run-now", "home-twice")
        found = world.ask("GET", "/1.0/instances/twice/snapshots?recursion=1")
        assert len([each for each in found if each["name"].startswith("former-")]) == 1
    finally:
        world.home.lxc.run("delete", "--force", "twice")


def test_pausing_and_changing(world: World) -> None:
    world.protect("web", "--bwlimit", "5MiB", "--window", "22:00-06:00", "--parallel", "3")
    shown = world.ask("GET", f"{PATH}/home-web")
    assert (shown["limit"], shown["window"], shown["parallel"]) == (5 * 2**20, "22:00-06:00", 3)
    world.cli.run("backup-server", "pause", "home-web")
    shown = world.ask("GET", f"{PATH}/home-web")
    assert (shown["paused"], shown["next_at"]) == (True, "")
    assert "PAUSED" in world.cli.run("backup-server", "list")
    world.cli.run("backup-server", "resume", "home-web")
    assert world.ask("GET", f"{PATH}/home-web")["next_at"]
    world.ask("PATCH", f"{PATH}/home-web", limit=0, window="", keep="daily=3")
    shown = world.ask("GET", f"{PATH}/home-web")
    assert (shown["limit"], shown["window"], shown["keep"]) == (0, "", "daily=3")
    assert (
        "rule"
        in world.backup.lxc.result("query", "-X", "PATCH", "-d", '{"keep": "x"}', f"{PATH}/home-web").stderr.decode()
    )


def test_what_is_refused(world: World) -> None:
    world.protect("web")
    taken = world.cli.fails("backup-server", "protect", "home:web", "--every", "@daily")
    assert 'already exists: "home-web"' in taken
    assert "--name" in taken
    assert "not known" in world.cli.result("backup-server", "protect", "x:web", "--every", "@daily").stderr.decode()
    assert "schedule" in world.cli.fails("backup-server", "protect", "home:db", "--every", "often").lower()
    assert "pool" in world.cli.fails("backup-server", "protect", "home:db", "--every", "@daily", "--pool", "x").lower()
    assert "no protection" in world.cli.fails("backup-server", "run-now", "nosuch")
    assert "no protection" in world.cli.fails("backup-server", "change", "nosuch", "--every", "@daily")
    other = world.ask("GET", "/1.0")["environment"]["certificate"]
    body = {
        "remote": "home",
        "address": "https://127.0.0.1:9",
        "certificate": other,
        "pattern": "*",
        "schedule": "@daily",
    }
    said = world.backup.lxc.result("query", "-X", "POST", "-d", json.dumps(body), PATH)
    assert b"can't be asked" in said.stderr
    assert [each["name"] for each in world.ask("GET", f"{PATH}?recursion=1")] == ["home-web"]


def test_what_is_refused_here_changes_no_trust_there(world: World) -> None:
    world.home.lxc.run("project", "create", "blue")
    world.protect("web", "--name", "mine")
    before = world.home.lxc.run("config", "trust", "list", "--format", "json")
    words = ("backup-server", "protect", "home:blue/*", "--every", "@daily")
    unready = {
        ("--every", "often"): "Schedule must be",
        ("--keep", "forever"): "rule",
        ("--window", "at night"): 'Invalid window "at night"',
        ("--name", "a name"): 'Invalid name of a protection: "a name"',
    }
    try:
        said = world.cli.fails(*words, "--target-project", "nope")
        assert said == "--target-project nope: Project not found"
        assert world.cli.fails(*words, "--pool", "nope") == "--pool nope: Storage pool not found"
        assert 'already exists: "mine"' in world.cli.fails(*words, "--name", "mine")
        for options, reason in unready.items():
            assert reason in world.cli.fails(*words, *options), options
        assert world.home.lxc.run("config", "trust", "list", "--format", "json") == before
    finally:
        world.home.lxc.run("project", "delete", "blue")


def test_another_server_at_the_address_is_refused(world: World) -> None:
    """Its certificate is not the one that was pinned."""
    shown = world.ask("GET", "/1.0")["environment"]["certificate"]
    address = json.loads(world.home.lxc.run("query", "/1.0"))["config"]["core.https_address"]
    body = {"remote": "home", "address": address, "certificate": shown, "pattern": "*", "schedule": "@daily"}
    said = world.backup.lxc.result("query", "-X", "POST", "-d", json.dumps(body), PATH)
    assert b"certificate" in said.stderr
    assert world.ask("GET", PATH) == []


def test_the_first_server_has_a_new_certificate(world: World) -> None:
    """What the error says to do brings the copies on, with their history."""
    world.protect("web", "--now")
    kept = {name: (world.home.directory / name).read_bytes() for name in ("server.crt", "server.key")}

    def restart(files: dict[str, bytes]) -> None:
        world.home.kill()
        for name in kept:
            (world.home.directory / name).unlink()
            if name in files:
                (world.home.directory / name).write_bytes(files[name])
        world.home.start()

    def add_remote() -> None:
        address = json.loads(world.home.lxc.run("query", "/1.0"))["config"]["core.https_address"]
        world.cli.run("remote", "remove", "home")
        world.cli.run("remote", "add", "home", address, "--accept-certificate", "--password", "secret")

    restart({})
    try:
        said = world.cli.fails("backup-server", "run-now", "home-web")
        assert "remove the remote and add it again, then this protection (`backup-server remove home-web`" in said
        add_remote()
        world.cli.run("backup-server", "remove", "home-web")
        world.protect("web", "--name", "home-web", "--now")
        assert len(world.ask("GET", "/1.0/instances/web/snapshots")) == 2, "one of each run"
    finally:
        restart(kept)
        add_remote()
