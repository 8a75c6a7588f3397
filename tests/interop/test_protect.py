"""`holdfast backup-server` with a real LXD 5.0.2 as the source: cycles, kept history, a killed source, the way back.

The backup server pulls over HTTPS; what it has is compared with the source entry by entry. In the end the copy goes to
a third server, as on the day the first one is gone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.between import as_lxd_carries
from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import LxcClient, LxdServer, require_lxd
from support.pools import rootfs
from support.relay import add_https, relaying
from support.rich import age, make_rich_instance
from support.trees import describe, differences
from support.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("lxd", "lxc", "mkfs.btrfs", "busybox")]


PROTECTION = "/1.0/protections/home-rich"


@dataclass
class World:
    """LXD at home, the backup server, a third server, our command on the backup server, and `lxc` that knows all."""

    home: LxdServer
    backup: HoldfastServer
    third: HoldfastServer
    cli: Cli
    lxc: LxcClient

    def snapshots(self) -> list[str]:
        found = json.loads(self.backup.lxc.run("query", "/1.0/instances/rich/snapshots?recursion=1"))
        return [each["name"] for each in found]

    def ask(self, method: str, path: str, **body: object) -> Any:
        text = self.backup.lxc.run("query", "--raw", "-X", method, "-d", json.dumps(body), path)
        return json.loads(text or "null")

    def status(self) -> Any:
        (found,) = json.loads(self.cli.run("backup-server", "status", "--format", "json"))
        return found


@pytest.fixture
def world() -> Iterator[World]:
    require_lxd()
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with (
        LxdServer(directory / "l") as home,
        HoldfastServer(directory / "b") as backup,
        HoldfastServer(directory / "t") as third,
    ):
        home.lxc.run("image", "import", image, "--alias", "tiny")
        lxc = relaying(directory / "relay", h=backup.socket)
        add_https(lxc, home=home, backup=backup, third=third)
        cli = Cli(backup.socket)
        cli.environment["HOLDFAST_CONF"] = str(directory / "conf")
        address = json.loads(home.lxc.run("query", "/1.0"))["config"]["core.https_address"]
        cli.run("remote", "add", "home", address, "--accept-certificate", "--password", "between servers")
        yield World(home, backup, third, cli, lxc)
    shutil.rmtree(directory)


def compare(world: World, pool: str, *snapshots: str) -> None:
    for snapshot in (*snapshots, ""):
        wanted = as_lxd_carries(describe(rootfs(world.home, pool, "rich", snapshot)))
        found = as_lxd_carries(describe(rootfs(world.backup, pool, "rich", snapshot)))
        lines = differences(wanted, found)
        assert lines == [], f"snapshot {snapshot!r}:\n" + "\n".join(lines)


@pytest.mark.parametrize("pool", ["default", pytest.param("bt", marks=pytest.mark.long)])
def test_cycles_with_a_real_lxd(world: World, pool: str) -> None:
    home, cli = world.home, world.cli
    make_rich_instance(home, pool)
    home.lxc.run("config", "set", "rich", "snapshots.schedule=@daily", "boot.autostart=true", "limits.memory=200MiB")
    said = cli.run(
        "backup-server", "protect", "home:rich", "--every", "@monthly", "--keep", "last=4", "--pool", pool, "--now"
    )
    assert "now trusts this server" in said
    (trusted,) = [
        each
        for each in json.loads(home.lxc.run("config", "trust", "list", "--format", "json"))
        if each["name"].startswith("backup server")
    ]
    assert (trusted["restricted"], trusted["projects"]) == (True, ["default"])
    compare(world, pool, "first", "second")
    shown = json.loads(world.backup.lxc.run("query", "/1.0/instances/rich"))
    assert shown["config"]["limits.memory"] == "200MiB"
    assert not {"snapshots.schedule", "boot.autostart"} & set(shown["config"])
    assert (shown["status"], shown["profiles"]) == ("Stopped", [])

    # changes, and a snapshot that the source has no longer
    home.lxc.run("config", "unset", "rich", "boot.autostart")  # it would run after the death of its server
    home.lxc.run("delete", "rich/first")
    (rootfs(home, pool, "rich") / "data/later").write_text("later")
    age(rootfs(home, pool, "rich"))
    home.lxc.run("snapshot", "rich", "third")
    cli.run("backup-server", "run-now", "home-rich")
    compare(world, pool, "second", "third")
    assert world.snapshots() == ["first", "second", "third"]
    copy = world.status()["copies"][0]
    assert (copy["instance"], copy["error"], copy["late"]) == ("rich", "", False)
    assert copy["bytes"] > 0

    # no change: little comes over, and each run can be gone back to; four are kept
    for _ in range(2):
        cli.run("backup-server", "run-now", "home-rich")
    assert world.status()["copies"][0]["bytes"] < 2**20
    plan = json.loads(world.backup.lxc.run("query", "/1.0/instances/rich/snapshot-plan"))
    kept = [each["name"] for each in plan if each["kept"]]
    assert kept[:2] == ["second", "third"] and len(kept) == 4
    assert all(name.startswith("pull-") for name in kept[2:])
    thinned_out = {each["name"] for each in plan if not each["kept"]}
    assert thinned_out <= {"first"}, "it goes at the beginning of a minute, maybe before we look"

    # the source is killed while it sends; what is compared below is kept, whenever the thinning out comes by
    cli.run("backup-server", "change", "home-rich", "--keep", "last=10")
    (rootfs(home, pool, "rich") / "data/large").write_bytes(os.urandom(2**26))
    before = describe(rootfs(world.backup, pool, "rich"))
    json.loads(
        world.backup.lxc.run("query", "-X", "PATCH", "-d", '{"limit": 4000000}', "/1.0/protections/home-rich") or "null"
    )
    operation = json.loads(
        world.backup.lxc.run("query", "--raw", "-X", "POST", "-d", "{}", "/1.0/protections/home-rich")
    )
    staging = world.backup.directory / "storage-pools" / pool / ".staging"
    await_true(lambda: any(staging.iterdir()), "the backup server to receive")
    os.kill(home._process.pid, signal.SIGKILL)
    home._process.wait()
    world.backup.lxc.run("query", f"{operation}/wait", expect=None)
    assert differences(before, describe(rootfs(world.backup, pool, "rich"))) == []
    await_true(lambda: violations(world.backup) == [], "a thinning out that began before to end")
    assert world.status()["copies"][0]["error"]
    start_again(home)
    json.loads(
        world.backup.lxc.run("query", "-X", "PATCH", "-d", '{"limit": 0}', "/1.0/protections/home-rich") or "null"
    )
    cli.run("backup-server", "run-now", "home-rich")
    compare(world, pool, "second", "third")

    # the day the first server is gone
    world.lxc.run("copy", "backup:rich", "third:rich", "-s", pool)
    for name in ("", "second", "third"):
        wanted = describe(rootfs(world.backup, pool, "rich", name))
        assert differences(wanted, describe(rootfs(world.third, pool, "rich", name))) == []
    world.third.lxc.run("start", "rich")
    assert world.third.lxc.run("exec", "rich", "--", "cat", "/data/later") == "later"
    cli.run("backup-server", "remove", "home-rich")
    assert json.loads(world.backup.lxc.run("query", "/1.0/protections")) == []
    assert "rich" in world.backup.lxc.run("list", "--format", "csv", "-c", "n")


@pytest.mark.parametrize("pool", ["bt", "default"])
def test_new_snapshots_after_those_that_are_not_kept(world: World, pool: str) -> None:
    """The one that LXD would send the difference to isn't here any more."""
    home, cli = world.home, world.cli
    home.lxc.run("init", "tiny", "rich", "-s", pool)
    for name in ("s1", "s2", "s3"):
        home.lxc.run("snapshot", "rich", name)
    cli.run("backup-server", "protect", "home:rich", "--every", "@monthly", "--keep", "last=1", "--pool", "bt", "--now")
    for name in ("s4", "s5"):
        for old in world.snapshots()[:-1]:
            world.backup.lxc.run("delete", f"rich/{old}", expect=None)  # what the next look would do
        home.lxc.run("file", "push", "-", "rich/root/mark", stdin=name)
        home.lxc.run("snapshot", "rich", name)
        cli.run("backup-server", "run-now", "home-rich")
        assert world.snapshots()[-1] == name
        assert cli.run("file", "pull", f"rich/{name}/root/mark", "-") == name
        assert cli.run("file", "pull", "rich/root/mark", "-") == name
    assert not {"s1", "s2"} & set(world.snapshots())


def start_again(home: LxdServer) -> None:
    """Start LXD anew after its death."""
    environment = {**os.environ, "LXD_DIR": str(home.directory)}
    home._process = subprocess.Popen(
        ["lxd", "--group", "root"], env=environment, stdout=home._log, stderr=home._log, start_new_session=True
    )
    subprocess.run(["lxd", "waitready", "--timeout", "60"], env=environment, check=True, capture_output=True)
