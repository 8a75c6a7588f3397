"""Kill the server while it makes or deletes a pool: afterwards the pool is whole or gone, with all it mounted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.service.crashpoints import ALL_POINTS
from support.holdfast import HoldfastServer, short_directory
from support.invariants import violations
from support.kills import kill_at
from support.lxd import require_lxd

MAKE = {"dir": ("storage", "create", "extra", "dir"), "btrfs": ("storage", "create", "extra", "btrfs", "size=256MiB")}


@pytest.fixture(scope="module")
def server() -> Iterator[HoldfastServer]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d", with_pools=False) as running:
        yield running
    shutil.rmtree(directory)


def _pools(server: HoldfastServer) -> list[str]:
    return [pool["name"] for pool in json.loads(server.lxc.run("storage", "list", "--format", "json")) or []]


def _traces(server: HoldfastServer) -> list[str]:
    """Return mounts, files and directories that only the pool can have left."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    left = [mount for mount in mounts if mount.startswith(str(server.directory))]
    left += [str(path) for folder in ("disks", "storage-pools") for path in (server.directory / folder).iterdir()]
    return left


@pytest.mark.root
@pytest.mark.long
@pytest.mark.parametrize("driver", sorted(MAKE))
@pytest.mark.parametrize("point", [point for point in ALL_POINTS if point.startswith("pool-")])
def test_kill(server: HoldfastServer, driver: str, point: str) -> None:
    is_deletion = point.startswith("pool-delete")
    if is_deletion:
        server.lxc.run(*MAKE[driver])
    kill_at(
        server, point, lambda: server.lxc.result(*(("storage", "delete", "extra") if is_deletion else MAKE[driver]))
    )

    assert violations(server) == []
    if is_deletion:
        assert _pools(server) == []
    if "extra" in _pools(server):
        assert point == "pool-create:committed"
        server.lxc.run("storage", "info", "extra")
        server.lxc.run("storage", "delete", "extra")
    assert _traces(server) == []
    server.lxc.run(*MAKE[driver])
    server.lxc.run("storage", "delete", "extra")
    assert _traces(server) == []
