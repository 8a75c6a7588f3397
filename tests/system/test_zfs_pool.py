"""A server whose kernel has no ZFS says so when a pool of it is wanted, and what can be done; nothing is left."""

from __future__ import annotations

import pytest

from holdfast.host.zfs import module_version
from support.holdfast import HoldfastServer
from support.http import ask

pytestmark = [pytest.mark.root]


def test_a_zfs_pool_is_refused_where_the_kernel_has_none(server: HoldfastServer) -> None:
    if module_version() is not None:
        pytest.skip("the kernel has ZFS")
    before = ask(server.socket, "GET", "/1.0/storage-pools").body["metadata"]
    files = sorted(path.relative_to(server.directory) for path in server.directory.rglob("*"))
    answer = ask(
        server.socket, "POST", "/1.0/storage-pools", {"name": "z", "driver": "zfs", "config": {"size": "1GiB"}}
    )
    assert (answer.status, answer.body["error_code"]) == (400, 400)
    assert 'Storage driver "zfs" can\'t be used here: the kernel has no zfs; install' in answer.body["error"]
    assert ask(server.socket, "GET", "/1.0/storage-pools").body["metadata"] == before
    assert sorted(path.relative_to(server.directory) for path in server.directory.rglob("*")) == files
    drivers = ask(server.socket, "GET", "/1.0").body["metadata"]["environment"]["storage_supported_drivers"]
    assert "zfs" not in [driver["Name"] for driver in drivers]


def test_a_user_is_told_by_the_command(server: HoldfastServer) -> None:
    if module_version() is not None:
        pytest.skip("the kernel has ZFS")
    done = server.holdfast("storage", "create", "z", "zfs")
    assert done.returncode == 1
    assert "modprobe zfs, or use btrfs" in done.stderr
