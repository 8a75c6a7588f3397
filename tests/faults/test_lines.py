"""Copies and refreshes over a bad line, between two hosts in network namespaces: slow, lossy, delayed, cut.

Either the copy comes through whole, or it fails within `SILENCE_S` and a little; what was there stays whole, nothing is
left on either side, and the same command again comes through once the line is well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.client.tls import SILENCE_S
from support.holdfast import COMMAND, HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.pools import rootfs
from support.trees import describe, differences
from support.two_hosts import Line, two_hosts
from support.waiting import await_true

pytestmark = [
    pytest.mark.long,
    pytest.mark.root,
    pytest.mark.needs("lxc", "mkfs.btrfs", "busybox", "ip", "tc", "nft", "nsenter"),
]
POOL = "default"
"""Of plain files, by rsync: what crosses there has most to and fro. The others are cut in test_migration_cuts.py."""
BIG_BYTES = 6 * 2**20
MARGIN_S = 200
"""For noticing, telling and cleaning up, on a busy machine, after the kernel has said that the other side is silent. By
itself it says so after a quarter of an hour."""


@dataclass
class World:
    """The server `home` on one host with the instance `web`, and another one that copies of it go to."""

    line: Line
    home: HoldfastServer
    here: HoldfastServer
    directory: Path

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start our command on the host of the copies."""
        environment = {
            **os.environ,
            "HOLDFAST_DIR": str(self.here.directory),
            "HOLDFAST_CONF": str(self.directory / "c"),
        }
        command = [*self.line.other.enter, str(COMMAND), *words]
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run(self, *words: str) -> None:
        process = self.start(*words)
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors

    def copy(self, remote: str = "home") -> tuple[str, ...]:
        return ("copy", f"{remote}:web", "web", "-s", POOL, "--refresh")

    def change(self) -> None:
        """Make the source differ."""
        (rootfs(self.home, POOL, "web") / "root/big").write_bytes(os.urandom(BIG_BYTES))

    def compare(self) -> None:
        wanted, found = (describe(rootfs(server, POOL, "web")) for server in (self.home, self.here))
        assert differences(wanted, found) == []
        assert violations(self.home) == violations(self.here) == []


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    directory = short_directory()
    with two_hosts() as line:
        home = HoldfastServer(directory / "h", enter=line.one.enter)
        with home, HoldfastServer(directory / "b", enter=line.other.enter) as here:
            home.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
            home.lxc.run("init", "tiny", "web", "-s", POOL)
            home.lxc.run("config", "set", f"core.https_address={line.one.address}:8443", "core.trust_password=secret")
            world = World(line, home, here, directory)
            world.change()
            address = f"{line.one.address}:8443"
            world.run("remote", "add", "home", address, "--accept-certificate", "--password", "secret")
            yield world
    shutil.rmtree(directory)


@pytest.fixture(params=["first copy", "refresh"])
def world(made: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """There is an old copy, or there is none."""
    made.line.mend()
    if request.param == "refresh":
        made.run(*made.copy())
        made.change()
    yield made
    made.line.mend()
    made.here.lxc.run("delete", "--force", "web", expect=None)


def test_a_slow_line(world: World, faults: Counter[str]) -> None:
    world.line.slow("24mbit")
    world.run(*world.copy())
    world.compare()
    faults["slow line"] += 1


def test_a_line_that_loses_packets(world: World, faults: Counter[str]) -> None:
    world.line.lose(3)
    world.run(*world.copy())
    world.compare()
    faults["lossy line"] += 1


def test_a_line_with_long_delays(world: World, faults: Counter[str]) -> None:
    host = world.line.one
    arguments = [host.address, "9443", host.address, "8443", "0.1"]
    command = [*host.enter, sys.executable, "-m", "support.delaying_proxy", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as proxy:
        try:
            assert proxy.stdout is not None
            assert proxy.stdout.readline() == b"ready\n"
            address = f"{host.address}:9443"
            world.run("remote", "add", "far", address, "--accept-certificate", "--password", "secret")
            world.run(*world.copy("far"))
            world.compare()
            world.run("remote", "remove", "far")
        finally:
            proxy.kill()
    faults["delayed line"] += 1


def test_a_line_that_is_cut(world: World, faults: Counter[str]) -> None:
    is_first = "web" not in world.here.lxc.run("list", "--format", "csv", "-c", "n")
    before = {} if is_first else describe(rootfs(world.here, POOL, "web"))
    world.line.slow("2mbit")
    process = world.start(*world.copy())
    staging = world.here.directory / "storage-pools" / POOL / ".staging"
    await_true(lambda: any(staging.iterdir()), "the copy to begin")
    world.line.cut()
    cut_s = time.monotonic()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 1, errors
    await_true(lambda: violations(world.here) == violations(world.home) == [], "that nothing is left", 200)
    assert time.monotonic() - cut_s < SILENCE_S + MARGIN_S
    if is_first:
        assert "web" not in world.here.lxc.run("list", "--format", "csv", "-c", "n")
    else:
        assert differences(before, describe(rootfs(world.here, POOL, "web"))) == []
    world.line.mend()
    world.run(*world.copy())
    world.compare()
    faults["cut line"] += 1
