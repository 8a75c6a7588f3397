"""The unix socket: who may open it, and what may be in its place."""

from __future__ import annotations

import grp
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from holdfast.model.errors import InternalError
from holdfast.server.app import listen


def test_threat_storage_readable_by_local_users(short_tmp_path: Path) -> None:
    """The socket is for its owner and group only, whatever the umask is, from its first moment on."""
    path = short_tmp_path / "unix.socket"
    seen: set[int] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            try:
                seen.add(stat.S_IMODE(path.stat().st_mode))
            except FileNotFoundError:
                continue

    before = os.umask(0)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(50):
            listen(path, None).close()
    finally:
        stop.set()
        watcher.join()
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert seen <= {0o600, 0o660}


def test_the_group_may_open_it(short_tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    path = short_tmp_path / "unix.socket"
    listen(path, "nogroup").close()
    assert path.stat().st_gid == grp.getgrnam("nogroup").gr_gid


def test_an_unknown_group_is_told_with_the_remedy(short_tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="groupadd"):
        listen(short_tmp_path / "unix.socket", "no-such-group")
    assert not (short_tmp_path / "unix.socket").exists()


def test_what_a_crash_left_is_replaced_and_a_file_is_not(short_tmp_path: Path) -> None:
    path = short_tmp_path / "unix.socket"
    listen(path, None).close()
    second = listen(path, None)
    second.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    second.close()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(InternalError, match="no socket"):
        listen(path, None)
    assert path.read_text() == "precious"
