"""The daemon as an administrator meets it: a second one, no permission, missing parts, restarts, a full pool."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.holdfast import COMMAND, HoldfastServer, short_directory
from support.http import ask, outcome
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import require_lxd
from support.nobody import AS_NOBODY
from support.waiting import LONG_S, await_equal, await_true


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[HoldfastServer, Path]]:
    """A server with the image `tiny`, and a scratch directory."""
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        yield server, directory
    shutil.rmtree(directory)


def test_instances_survive_restarts_of_the_server(scene: tuple[HoldfastServer, Path]) -> None:
    """A clean stop and a crash leave instances and their processes running; exec works after it."""
    server, _ = scene
    lxc = server.lxc
    lxc.run("launch", "tiny", "lasting")
    try:
        lxc.run("exec", "lasting", "--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $! > /root/pid")
        started = lxc.run("exec", "lasting", "--", "sh", "-c", "cut -d' ' -f22 /proc/$(cat /root/pid)/stat")
        assert server.stop() == 0
        server.start()
        assert lxc.run("list", "--format", "csv", "-c", "s").strip() == "RUNNING"
        server.kill()
        server.start()
        again = lxc.run("exec", "lasting", "--", "sh", "-c", "cut -d' ' -f22 /proc/$(cat /root/pid)/stat")
        assert again == started
        assert lxc.result("exec", "lasting", "--", "sh", "-c", "exit 7").returncode == 7
        lxc.run("stop", "lasting", "--force")
        assert lxc.run("list", "--format", "csv", "-c", "s").strip() == "STOPPED"
    finally:
        lxc.run("delete", "--force", "lasting", expect=None)


def test_an_end_while_the_server_was_down_is_seen(scene: tuple[HoldfastServer, Path]) -> None:
    server, _ = scene
    server.lxc.run("launch", "tiny", "ending")
    try:
        pid = ask(server.socket, "GET", "/1.0/instances/ending/state").body["metadata"]["pid"]
        facts = Path(f"/proc/{pid}/status").read_text().splitlines()
        monitor = next(int(line.split()[1]) for line in facts if line.startswith("PPid:"))
        server.stop()
        os.kill(pid, 9)
        _wait_gone(pid)
        _wait_gone(monitor)
        server.start()
        _await_autostart(server)  # it ran, so it is to run again
        assert server.lxc.run("list", "ending", "--format", "csv", "-c", "s").strip() == "RUNNING"
        assert ask(server.socket, "GET", "/1.0/instances/ending/state").body["metadata"]["pid"] != pid
        server.lxc.run("stop", "ending", "--force")
        assert server.lxc.run("list", "ending", "--format", "csv", "-c", "s").strip() == "STOPPED"
    finally:
        server.lxc.run("delete", "--force", "ending", expect=None)


def _wait_gone(pid: int) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        assert select.select([descriptor], [], [], LONG_S)[0]
        os.close(descriptor)


def _await_autostart(server: HoldfastServer) -> None:
    """Wait until it has started what is to run: it answers before."""

    def running() -> list[str]:
        found = ask(server.socket, "GET", "/1.0/operations?recursion=1").body["metadata"].get("running", [])
        return [each["description"] for each in found if each["description"] == "Starting instances"]

    await_equal(running, [])


def test_snapshots_that_expired_while_the_server_was_down_go_at_its_start(scene: tuple[HoldfastServer, Path]) -> None:
    server, _ = scene
    server.lxc.run("init", "tiny", "x1")
    server.lxc.run("snapshot", "x1", "lasting")
    server.lxc.run("config", "set", "x1", "snapshots.expiry", "1S")
    server.lxc.run("snapshot", "x1", "fleeting")
    server.stop()
    time.sleep(1)  # its expiry
    server.start()
    await_true(lambda: "fleeting" not in server.lxc.run("info", "x1"), "the snapshot goes")
    assert "lasting" in server.lxc.run("info", "x1")
    server.lxc.run("delete", "x1")


def test_autostart(scene: tuple[HoldfastServer, Path]) -> None:
    server, _ = scene
    server.lxc.run("launch", "tiny", "eager", "-c", "boot.autostart=true")
    try:
        server.lxc.run("stop", "eager", "--force")
        server.stop()
        server.start()
        _await_autostart(server)
        assert server.lxc.run("list", "eager", "--format", "csv", "-c", "s").strip() == "RUNNING"
    finally:
        server.lxc.run("delete", "--force", "eager", expect=None)


def test_second_server_is_refused(scene: tuple[HoldfastServer, Path]) -> None:
    server, _ = scene
    done = server.holdfast("server")
    assert done.returncode == 1
    assert str(server.pid) in done.stderr
    assert "Traceback" not in done.stderr
    assert server.lxc.result("list").returncode == 0


def test_socket_without_permission(scene: tuple[HoldfastServer, Path]) -> None:
    server, _ = scene
    assert server.socket.stat().st_mode & 0o777 == 0o660
    done = subprocess.run(
        [*AS_NOBODY, COMMAND, "list"],
        env={**os.environ, "HOLDFAST_DIR": str(server.directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "group root" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_server_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "list"],
        env={**os.environ, "HOLDFAST_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "holdfast server" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_missing_program_is_named_with_its_package(tmp_path: Path) -> None:
    """Without btrfs-progs a btrfs pool can't be made: the error says which package to install."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/usr/sbin", "/sbin", "/usr/bin", "/bin"):
        for program in Path(folder).iterdir():
            if "btrfs" not in program.name and not os.path.lexists(programs / program.name):
                (programs / program.name).symlink_to(program)
    directory = short_directory()
    server = HoldfastServer(directory / "d", with_pools=False)
    server.directory.mkdir()
    server.start(PATH=str(programs))
    try:
        answer = ask(server.socket, "POST", "/1.0/storage-pools", {"name": "bt", "driver": "btrfs", "config": {}})
        assert answer.status in (400, 500, 501)
        assert "btrfs-progs" in answer.body["error"]
        assert ask(server.socket, "GET", "/1.0/storage-pools").body["metadata"] == []
    finally:
        server.stop()
        shutil.rmtree(directory)


def test_full_pool(scene: tuple[HoldfastServer, Path]) -> None:
    """A pool without space: create and import fail with a clear error and leave nothing; the pool goes on working."""
    server, scratch = scene
    lxc = server.lxc
    lxc.run("storage", "create", "small", "btrfs", "size=256MiB")
    try:
        lxc.run("init", "tiny", "first", "-s", "small")
        lxc.run("export", "first", scratch / "first.tar")
        filler = server.directory / "storage-pools/small/containers/first/rootfs/filler"
        _fill(filler)
        answer = ask(
            server.socket,
            "POST",
            "/1.0/instances",
            raw=(scratch / "first.tar").read_bytes(),
            headers={"Content-Type": "application/octet-stream", "X-LXD-name": "second", "X-LXD-pool": "small"},
        )
        error = outcome(server.socket, answer)
        assert "space" in error.lower(), error
        assert violations(server) == []
        _fill(filler)
        pushed = ask(server.socket, "POST", "/1.0/instances/first/files?path=/pushed", raw=os.urandom(8 << 20))
        assert "No space left on device" in outcome(server.socket, pushed)
        assert ask(server.socket, "GET", "/1.0/instances/first/files?path=/pushed").status == 404
        assert ask(server.socket, "GET", "/1.0/instances/second").status == 404
        filler.unlink()
        subprocess.run(["btrfs", "filesystem", "sync", filler.parent], check=True, capture_output=True)
        lxc.run("import", scratch / "first.tar", "second", "-s", "small")
    finally:
        for name in ("first", "second"):
            lxc.run("delete", "--force", name, expect=None)
        lxc.run("storage", "delete", "small", expect=None)


def _fill(path: Path) -> None:
    """Write until the file system is full, and stays so when it has tidied up."""
    block = os.urandom(2**20)
    before = -1
    path.write_bytes(b"")
    while before < (before := path.stat().st_size):
        with suppress(OSError), path.open("ab", buffering=0) as file:
            while True:
                file.write(block)
                os.fsync(file.fileno())
        subprocess.run(["btrfs", "filesystem", "sync", path.parent], check=True, capture_output=True)


def test_private_below_the_directory(scene: tuple[HoldfastServer, Path]) -> None:
    """Nothing of the server's is open to other users but the socket to its group."""
    server, _ = scene
    for path in server.directory.iterdir():
        if path != server.socket:
            assert path.stat().st_mode & 0o077 == 0, path


def test_what_a_test_leaves_in_another_project_is_ended_with_its_server() -> None:
    """A container that still runs would keep the pool's mount and its loop device for ever."""
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run("project", "create", "team", "-c", "features.images=false", "-c", "features.profiles=true")
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        server.lxc.run("launch", "tiny", "kept", "-s", "bt", "--project=team")
        assert str(directory) in Path("/proc/self/mountinfo").read_text()
        pool = server.directory / "storage-pools"
    assert str(directory) not in Path("/proc/self/mountinfo").read_text()
    assert list(pool.iterdir()) == []
    shutil.rmtree(directory)
