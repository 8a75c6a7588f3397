"""Finding and reading control groups, on trees like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.host.cgroups import ControlGroup, Hierarchies, parse_hierarchies

HYBRID = """\
30 23 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
35 30 0:28 / /elsewhere/memory rw,nosuid - cgroup cgroup rw,memory
"""
UNIFIED = "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_hybrid_hierarchies() -> None:
    found = parse_hierarchies(HYBRID)
    base = Path("/sys/fs/cgroup")
    assert found.v1 == {
        "cpu": base / "cpu,cpuacct",
        "cpuacct": base / "cpu,cpuacct",
        "memory": base / "memory",
        "name=systemd": base / "systemd",
    }
    assert found.unified == base / "unified"
    assert found.roots() == [base / "cpu,cpuacct", base / "memory", base / "systemd", base / "unified"]


def test_unified_hierarchy() -> None:
    found = parse_hierarchies(UNIFIED)
    assert (found.v1, found.unified) == ({}, Path("/sys/fs/cgroup"))


def test_controllers_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    host = Hierarchies(v1={"pids": tmp_path / "pids"}, unified=tmp_path)
    assert [host.has(name) for name in ("pids", "memory", "freezer", "blkio")] == [True, True, True, False]
    assert not Hierarchies(v1={}, unified=None).has("memory")


@pytest.fixture
def v1(tmp_path: Path) -> Hierarchies:
    files = {
        "memory": {
            "memory.usage_in_bytes": "1000",
            "memory.max_usage_in_bytes": "3000",
            "memory.memsw.usage_in_bytes": "1500",
            "memory.memsw.max_usage_in_bytes": "3200",
        },
        "pids": {"pids.current": "7"},
        "cpuacct": {"cpuacct.usage": "123456"},
        "freezer": {"freezer.state": "THAWED"},
    }
    for controller, contents in files.items():
        (tmp_path / controller / "g").mkdir(parents=True)
        for name, text in contents.items():
            (tmp_path / controller / "g" / name).write_text(f"{text}\n")
    return Hierarchies(v1={name: tmp_path / name for name in files}, unified=None)


def test_usage_of_version_1(v1: Hierarchies) -> None:
    usage = ControlGroup("g", v1).usage()
    assert (usage.processes, usage.cpu_ns, usage.memory, usage.memory_peak) == (7, 123456, 1000, 3000)
    assert (usage.swap, usage.swap_peak) == (500, 200)


def test_usage_of_version_2(tmp_path: Path) -> None:
    group = tmp_path / "g"
    group.mkdir()
    contents = {
        "memory.current": "10",
        "memory.peak": "20",
        "memory.swap.current": "3",
        "memory.swap.peak": "4",
        "pids.current": "2",
        "cpu.stat": "usage_usec 55\nuser_usec 50",
        "cgroup.events": "populated 1\nfrozen 1",
    }
    for name, text in contents.items():
        (group / name).write_text(f"{text}\n")
    found = ControlGroup("g", Hierarchies(v1={}, unified=tmp_path))
    usage = found.usage()
    assert (usage.processes, usage.cpu_ns, usage.memory, usage.memory_peak) == (2, 55000, 10, 20)
    assert (usage.swap, usage.swap_peak) == (3, 4)
    assert found.is_frozen()


def test_a_group_that_is_not_there_uses_nothing(v1: Hierarchies) -> None:
    group = ControlGroup("absent", v1)
    assert group.usage().memory == 0
    assert not group.exists()
    assert not group.is_frozen()
    group.remove()


def test_freezing_waits_for_the_state(v1: Hierarchies) -> None:
    group = ControlGroup("g", v1)
    assert not group.is_frozen()
    assert group.set_frozen(True)
    assert (v1.v1["freezer"] / "g/freezer.state").read_text() == "FROZEN"
    assert group.set_frozen(False)
    assert not group.is_frozen()


def test_freezing_gives_up(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g/cgroup.events").write_text("frozen 0\n")
    assert not ControlGroup("g", Hierarchies(v1={}, unified=tmp_path)).set_frozen(True, timeout_s=0.01)


def test_remove_takes_groups_below_along(tmp_path: Path) -> None:
    (tmp_path / "g/inner/deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    ControlGroup("g", Hierarchies(v1={}, unified=tmp_path)).remove()
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_values_go_to_the_hierarchy_of_their_controller(tmp_path: Path) -> None:
    host = Hierarchies(v1={"pids": tmp_path / "pids"}, unified=tmp_path / "unified")
    for root in ("pids", "unified"):
        (tmp_path / root / "box").mkdir(parents=True)
    for file in ("pids/box/pids.max", "unified/box/memory.max", "unified/box/cpuset.cpus"):
        (tmp_path / file).touch()
    (tmp_path / "unified" / "cpuset.cpus").write_text("0-3\n")
    group = ControlGroup("box", host)
    group.write("pids.max", "5")
    group.write("memory.max", "7")
    group.write("cpuset.cpus", None)
    assert (tmp_path / "pids/box/pids.max").read_text() == "5\n"
    assert (tmp_path / "unified/box/memory.max").read_text() == "7\n"
    assert (tmp_path / "unified/box/cpuset.cpus").read_text() == "0-3\n", "None is what the group above has"
    with pytest.raises(FileNotFoundError):
        group.write("memory.high", "7")
    assert not (tmp_path / "unified/box/memory.high").exists()
