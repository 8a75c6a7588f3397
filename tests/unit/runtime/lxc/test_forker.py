"""The process that forks the helpers of exec: kept, replaced, gone with its owner. System tests have the commands."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.runtime.lxc.forker import ExecForker

OWNER = """
import time
from holdfast.runtime.lxc.forker import ExecForker
forker = ExecForker()
forker.prepare()
print(forker.pid(), flush=True)
time.sleep(1000)
"""


@pytest.fixture
def forker() -> Iterator[ExecForker]:
    forker = ExecForker()
    yield forker
    forker.close()


def ready(forker: ExecForker) -> int:
    forker.prepare()
    pid = forker.pid()
    assert pid is not None
    return pid


def send_nothing(forker: ExecForker) -> None:
    """Have a helper take a request that it can't read: it ends at once, without an answer."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        control = forker.send((null, null, null, null))
    finally:
        os.close(null)
    with control:
        assert control.recv(100) == b""


def test_a_helper_that_breaks_leaves_the_others(forker: ExecForker) -> None:
    pid = ready(forker)
    for _ in range(3):
        send_nothing(forker)
    assert forker.pid() == pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert not [child for child in children if state(child) == "Z"], "helpers that have ended are left"


def test_what_died_is_replaced_unseen(forker: ExecForker) -> None:
    pid = ready(forker)
    process = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([process], [], [], 30)
    os.close(process)
    send_nothing(forker)
    assert forker.pid() not in (pid, None)


def test_close_ends_it(forker: ExecForker) -> None:
    pid = ready(forker)
    forker.close()
    assert not Path(f"/proc/{pid}").exists()
    assert forker.pid() is None


def state(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_it_waits_with_no_descriptors_but_its_own(forker: ExecForker) -> None:
    pid = ready(forker)
    send_nothing(forker)  # from here on it waits, and imports no more
    names = {entry.name: os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert [names.pop(number) for number in ("0", "1", "2")] == ["/dev/null"] * 3
    assert sum(target.startswith("socket:") for target in names.values()) == 1
    assert Path(f"/proc/{pid}/environ").read_bytes() in (b"LC_ALL=C\0", b"")
    assert os.getsid(pid) == pid


def test_it_ends_with_a_server_that_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner, owner.stdout:
        process = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
        assert select.select([process], [], [], 30)[0], "it outlived the server"
        os.close(process)
