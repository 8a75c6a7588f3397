"""Finding monitor processes by pid file and name, on processes that look like them."""

from __future__ import annotations

import os
import queue
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.runtime.lxc.launch import PID_FILE
from holdfast.runtime.lxc.monitors import Monitors, is_first_of_namespace
from holdfast.runtime.lxc.naming import LXC_PATH, Naming


class Fleet:
    """Monitors of a directory, and processes that call themselves so."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.naming = Naming.of(directory)
        self.monitors = Monitors(directory, self.naming)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, key: str, title: str | None = None) -> subprocess.Popen[str]:
        """Start one that calls itself by the title and write its pid file."""
        title = title or f"[lxc monitor] {LXC_PATH} {self.naming.container(key)}"
        process = subprocess.Popen(
            ["bash", "-c", 'echo up; exec -a "$1" cat', "-", title],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        while Path(f"/proc/{process.pid}/cmdline").read_text().strip("\0") != title:
            os.sched_yield()
        self.started.append(process)
        (self.directory / key).mkdir(exist_ok=True)
        (self.directory / key / PID_FILE).write_text(f"{process.pid}\n")
        return process


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.monitors.close()
    for process in fleet.started:
        process.kill()
        process.wait()


def test_a_running_monitor_is_found_until_it_ends(fleet: Fleet) -> None:
    process = fleet.start("c1")
    found = fleet.monitors.find("c1")
    assert found is not None
    assert found.pid == process.pid
    assert fleet.monitors.find("c1") is found
    process.kill()
    process.wait()
    assert found.wait(None)
    assert fleet.monitors.find("c1") is None
    assert fleet.monitors.find("never") is None


def test_a_pid_that_belongs_to_another_process_now_is_not_believed(fleet: Fleet) -> None:
    fleet.start("c1", title="something else")
    assert fleet.monitors.find("c1") is None
    fleet.start("c1", title=f"[lxc monitor] {LXC_PATH} {fleet.naming.container('c10')}")
    assert fleet.monitors.find("c1") is None


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "99999999"])
def test_a_broken_pid_file_means_stopped(fleet: Fleet, text: str) -> None:
    (fleet.directory / "c1").mkdir()
    (fleet.directory / "c1" / PID_FILE).write_text(text)
    assert fleet.monitors.find("c1") is None


def test_every_end_is_told_once_also_when_it_starts_again_at_once(fleet: Fleet) -> None:
    ended: queue.Queue[str] = queue.Queue()
    first = fleet.start("c1")
    other = fleet.start("c2")
    for key in ("c1", "c2"):
        assert fleet.monitors.find(key) is not None
    fleet.monitors.watch(ended.put)
    first.kill()
    first.wait()
    assert ended.get(timeout=120) == "c1"
    second = fleet.start("c1")
    assert fleet.monitors.find("c1") is not None
    second.kill()
    other.kill()
    assert {ended.get(timeout=120), ended.get(timeout=120)} == {"c1", "c2"}
    assert ended.empty()


def test_a_new_monitor_in_the_place_of_the_old_is_a_reboot(fleet: Fleet) -> None:
    ended: queue.Queue[str] = queue.Queue()
    first = fleet.start("c1")
    assert fleet.monitors.find("c1") is not None
    second = fleet.start("c1")
    fleet.monitors.watch(ended.put)
    first.kill()
    first.wait()
    while (found := fleet.monitors.find("c1")) is None or found.pid != second.pid:
        os.sched_yield()
    second.kill()
    assert ended.get(timeout=120) == "c1"
    assert ended.empty()


def test_a_reboot_that_ends_before_the_first_end_is_noticed_is_told_once(fleet: Fleet) -> None:
    ended: queue.Queue[str] = queue.Queue()
    for _ in range(2):
        process = fleet.start("c1")
        assert (found := fleet.monitors.find("c1")) is not None
        assert found.pid == process.pid
        process.kill()
        process.wait()
    other = fleet.start("c2")
    assert fleet.monitors.find("c2") is not None
    fleet.monitors.watch(ended.put)
    assert ended.get(timeout=120) == "c1"
    other.kill()
    assert ended.get(timeout=120) == "c2"


def test_names_of_two_directories_differ(tmp_path: Path) -> None:
    one, two = Naming.of(tmp_path / "a"), Naming.of(tmp_path / "b")
    assert one.container("c1") != two.container("c1")
    assert one.payload("c1") != two.payload("c1")
    assert one.payload("c1") != one.monitor("c1")


def test_first_of_namespace() -> None:
    assert not is_first_of_namespace(os.getpid())
    assert not is_first_of_namespace(1 << 30)
