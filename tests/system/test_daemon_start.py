"""How the server starts: what it refuses, what it tells, what it leaves to the next start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.holdfast import COMMAND
from support.nobody import AS_NOBODY

pytestmark = pytest.mark.root


def run(root: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself."""
    return subprocess.run(
        [*prefix, COMMAND, "server", *arguments],
        env={**os.environ, "HOLDFAST_DIR": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def notify_socket(short_tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(short_tmp_path / "notify"))
        channel.settimeout(60)
        yield channel


def test_only_root_may_serve(short_tmp_path: Path) -> None:
    done = run(short_tmp_path / "d", prefix=AS_NOBODY)
    assert done.returncode == 1
    assert "must be run as root" in done.stderr or "must run as root" in done.stderr
    assert not (short_tmp_path / "d").exists()


def test_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    done = run(tmp_path / ("x" * 100))
    assert done.returncode == 1
    assert "longer than 107 bytes: choose a shorter HOLDFAST_DIR" in done.stderr


def test_broken_database_is_one_clear_error(short_tmp_path: Path) -> None:
    (short_tmp_path / "database").mkdir()
    (short_tmp_path / "database" / "holdfast.db").write_bytes(b"rubbish" * 1000)
    done = run(short_tmp_path)
    assert done.returncode == 1
    assert "can't be used: file is not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_group(short_tmp_path: Path) -> None:
    done = run(short_tmp_path, "--group", "nosuchgroup")
    assert done.returncode == 1
    assert 'Group "nosuchgroup" doesn\'t exist' in done.stderr
    assert "Traceback" not in done.stderr


def test_systemd_is_told_and_a_signal_ends_it_cleanly(short_tmp_path: Path, notify_socket: socket.socket) -> None:
    process = subprocess.Popen(
        [COMMAND, "server"],
        env={**os.environ, "HOLDFAST_DIR": str(short_tmp_path), "NOTIFY_SOCKET": str(short_tmp_path / "notify")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert notify_socket.recv(100) == b"READY=1"
        assert (short_tmp_path / "unix.socket").is_socket()
        process.send_signal(signal.SIGTERM)
        assert notify_socket.recv(100) == b"STOPPING=1"
        _, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "level=info msg=Stopping" in log
    assert "level=error" not in log
    assert not (short_tmp_path / "unix.socket").exists()
    assert (short_tmp_path / "lock").read_text() == ""
