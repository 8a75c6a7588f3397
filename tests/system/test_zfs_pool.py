"""A server with a zfs pool; where the kernel has no ZFS it says so, and what can be done, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host import zfs
from support.holdfast import HoldfastServer
from support.http import ask
from support.invariants import violations
from support.pools import rootfs

pytestmark = [pytest.mark.root, pytest.mark.timeout(1200)]  # a machine with ZFS may be an emulated one

ABSENT = zfs.module_version() is None
absent = pytest.mark.skipif(not ABSENT, reason="the kernel has zfs")
present = pytest.mark.skipif(ABSENT, reason="the kernel has no zfs")


@absent
def test_a_zfs_pool_is_refused_where_the_kernel_has_none(server: HoldfastServer) -> None:
    before = ask(server.socket, "GET", "/1.0/storage-pools").body["metadata"]
    files = _made(server)
    answer = ask(
        server.socket, "POST", "/1.0/storage-pools", {"name": "z", "driver": "zfs", "config": {"size": "1GiB"}}
    )
    assert (answer.status, answer.body["error_code"]) == (400, 400)
    assert 'Storage driver "zfs" can\'t be used here: the kernel has no zfs; install' in answer.body["error"]
    assert ask(server.socket, "GET", "/1.0/storage-pools").body["metadata"] == before
    assert _made(server) == files
    drivers = ask(server.socket, "GET", "/1.0").body["metadata"]["environment"]["storage_supported_drivers"]
    assert "zfs" not in [driver["Name"] for driver in drivers]


def _made(server: HoldfastServer) -> list[Path]:
    """Return what is in the server's directory, but for the database, which has files that come and go."""
    found = [path.relative_to(server.directory) for path in server.directory.rglob("*")]
    return sorted(path for path in found if path.parts[0] != "database")


@absent
def test_a_user_is_told_by_the_command(server: HoldfastServer) -> None:
    done = server.holdfast("storage", "create", "z", "zfs")
    assert done.returncode == 1
    assert "modprobe zfs, or use btrfs" in done.stderr


@pytest.fixture
def pool(server: HoldfastServer, busybox_image: Path) -> Iterator[str]:
    run(server, "storage", "create", "z", "zfs", "size=1GiB", "zfs.pool_name=hfsystem")
    yield "z"
    for name in ("one", "two"):
        server.holdfast("delete", "--force", name)
    run(server, "image", "delete", "busybox")
    run(server, "storage", "delete", "z")
    assert not zfs.exists("hfsystem")


def run(server: HoldfastServer, *arguments: str | Path) -> str:
    done = server.holdfast(*arguments)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


@present
def test_the_life_of_an_instance(server: HoldfastServer, pool: str, tmp_path: Path) -> None:
    """Made, run, snapshot, killed server, restored, undone, exported, imported, copied, deleted."""
    run(server, "init", "busybox", "one", "--storage", pool)
    run(server, "start", "one")
    note = rootfs(server, pool, "one") / "root/note"
    note.write_text("first")
    run(server, "snapshot", "one", "s0")
    note.write_text("second")
    run(server, "snapshot", "one", "s1")
    note.write_text("third")
    server.kill()
    server.start()
    run(server, "stop", "--force", "one")
    run(server, "restore", "one", "s0")
    assert note.read_text() == "first"
    run(server, "restore", "one", "--undo")
    assert note.read_text() == "third"
    assert violations(server) == []
    run(server, "export", "one", tmp_path / "file.tar", "--optimized-storage", "--compression", "none")
    run(server, "backup", "verify", tmp_path / "file.tar")
    run(server, "import", tmp_path / "file.tar", "two", "--storage", pool)
    run(server, "delete", "one")
    read = [(rootfs(server, pool, "two", name) / "root/note").read_text() for name in ("s0", "s1", "")]
    assert read == ["first", "second", "third"]
    run(server, "rename", "two", "one")
    run(server, "copy", "one", "two")
    run(server, "delete", "one")
    run(server, "start", "two")
    assert run(server, "exec", "two", "--", "cat", "/root/note") == "third"
    assert violations(server) == []
