"""Limits for both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.host.cgroups import Hierarchies
from holdfast.model.errors import BadRequestError
from holdfast.runtime.lxc.limits import HostSize, limit_lines, live_changes, parse_size, revised_text

NAMES = ("memory", "pids", "cpu", "cpuset")
V1 = Hierarchies(v1={name: Path("/sys/fs/cgroup") / name for name in NAMES}, unified=None)
NONE = Hierarchies(v1={}, unified=None)
SIZE = HostSize(memory_bytes=1000, cpus=(0, 1, 2, 3))


@pytest.fixture
def v2(tmp_path: Path) -> Hierarchies:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return Hierarchies(v1={}, unified=tmp_path)


def rendered(host: Hierarchies, **config: str) -> dict[str, str]:
    keys = {key.replace("__", "."): value for key, value in config.items()}
    return dict(limit_lines(keys, host, SIZE, "c1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1024", 1024), ("2kB", 2000), ("2KiB", 2048), ("3MB", 3000000), ("1GiB", 1 << 30), ("50%", 500), ("7B", 7)],
)
def test_sizes(text: str, expected: int) -> None:
    assert parse_size("k", text, 1000) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "1KB", "1.5GB", "MB", "10%%", "1 2"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_size("k", text, 1000)


def test_version_1() -> None:
    found = rendered(
        V1,
        limits__memory="10%",
        limits__memory__swap="false",
        limits__processes="50",
        limits__cpu="1-2",
        limits__cpu__allowance="25ms/100ms",
        limits__cpu__priority="5",
    )
    assert found == {
        "lxc.cgroup.memory.limit_in_bytes": "100",
        "lxc.cgroup.memory.swappiness": "0",
        "lxc.cgroup.pids.max": "50",
        "lxc.cgroup.cpuset.cpus": "1-2",
        "lxc.cgroup.cpu.cfs_period_us": "100000",
        "lxc.cgroup.cpu.cfs_quota_us": "25000",
        "lxc.cgroup.cpu.shares": "1019",
    }


def test_version_2(v2: Hierarchies) -> None:
    found = rendered(
        v2,
        limits__memory="10%",
        limits__memory__enforce="soft",
        limits__memory__swap="false",
        limits__processes="50",
        limits__cpu="1,3",
        limits__cpu__allowance="40%",
    )
    assert found == {
        "lxc.cgroup2.memory.high": "100",
        "lxc.cgroup2.memory.swap.max": "0",
        "lxc.cgroup2.pids.max": "50",
        "lxc.cgroup2.cpuset.cpus": "1,3",
        "lxc.cgroup2.cpu.weight": "40",
    }


def test_a_number_of_cpus_is_capped_and_spread() -> None:
    assert rendered(V1, limits__cpu="9")["lxc.cgroup.cpuset.cpus"] == "0,1,2,3"
    first = {dict(limit_lines({"limits.cpu": "1"}, V1, SIZE, f"c{n}"))["lxc.cgroup.cpuset.cpus"] for n in range(50)}
    assert first == {"0", "1", "2", "3"}


def test_missing_controllers_are_left_out() -> None:
    assert rendered(NONE, limits__memory="10%", limits__processes="5", limits__cpu="1") == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("limits.cpu", "0"),
        ("limits.cpu", "a"),
        ("limits.cpu", "1-"),
        ("limits.processes", "many"),
        ("limits.cpu.allowance", "fast"),
        ("limits.cpu.priority", "high"),
        ("limits.memory", "lots"),
    ],
)
def test_values_that_are_refused(key: str, value: str) -> None:
    with pytest.raises(BadRequestError, match=key):
        list(limit_lines({key: value}, V1, SIZE, "c1"))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_limit_can_be_taken_away(version: str, v2: Hierarchies) -> None:
    lines = rendered(
        V1 if version == "v1" else v2,
        limits__memory="10%",
        limits__memory__swap="false",
        limits__processes="50",
        limits__cpu="1-2",
        limits__cpu__allowance="25ms/100ms",
        limits__cpu__priority="5",
    )
    assert len(lines) >= 6
    assert not [file for file, _ in live_changes(lines, {}) if file.startswith("lxc.")]
    assert {file for file, _ in live_changes(lines, {})} == {file for file, _ in live_changes({}, lines)}
    assert list(live_changes(lines, lines)) == []


def test_a_soft_limit_takes_the_hard_one_away(v2: Hierarchies) -> None:
    hard, soft = rendered(v2, limits__memory="10%"), rendered(v2, limits__memory="20%", limits__memory__enforce="soft")
    assert list(live_changes(hard, soft)) == [("memory.max", "max"), ("memory.high", "200")]


def test_revised_configuration() -> None:
    text = "lxc.arch = x86_64\nlxc.cgroup2.pids.max = 5\nlxc.cgroup2.memory.max = 7\n# raw\nlxc.cgroup2.pids.max = 9\n"
    before = {"lxc.cgroup2.pids.max": "5", "lxc.cgroup2.memory.max": "7"}
    assert revised_text(text, before, {"lxc.cgroup2.pids.max": "6", "lxc.cgroup2.memory.max": "7"}) == (
        "lxc.cgroup2.pids.max = 6\nlxc.arch = x86_64\nlxc.cgroup2.memory.max = 7\n# raw\nlxc.cgroup2.pids.max = 9\n"
    )
