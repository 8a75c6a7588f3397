"""Resource limits: from LXD's `limits.*` keys to lines of liblxc, for control groups version 1 and 2. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.host.cgroups import Hierarchies
from holdfast.model.errors import BadRequestError

_UNITS: Final[dict[str, int]] = {
    "": 1,
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGTPE", 1)},
}
_SIZE: Final = re.compile(r"(\d+)\s*([A-Za-z]*)")
_PERCENT: Final = re.compile(r"(\d{1,3})%")
_CPU_TIME: Final = re.compile(r"(\d+)ms/(\d+)ms")
_CPU_SET: Final = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_SHARES_OF_ALL: Final = 1024
_WEIGHT_OF_ALL: Final = 100
_HIGHEST_PRIORITY: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class HostSize:
    """What percentages and counts refer to."""

    memory_bytes: int
    cpus: tuple[int, ...]


def limit_lines(config: Mapping[str, str], host: Hierarchies, size: HostSize, key: str) -> Iterator[tuple[str, str]]:
    """Yield the lines for the limits set; those whose controller the host lacks are left out.

    `key` spreads instances that ask for a number of CPUs over the CPUs there are.
    """
    if config.get("limits.memory") and host.has("memory"):
        yield from _memory(config, size.memory_bytes, is_v1=host.is_v1("memory"))
    if config.get("limits.processes") and host.has("pids"):
        prefix = "lxc.cgroup" if host.is_v1("pids") else "lxc.cgroup2"
        yield f"{prefix}.pids.max", str(_whole_number("limits.processes", config["limits.processes"]))
    if config.get("limits.cpu") and host.has("cpuset"):
        prefix = "lxc.cgroup" if host.is_v1("cpuset") else "lxc.cgroup2"
        yield f"{prefix}.cpuset.cpus", _cpu_set(config["limits.cpu"], size.cpus, key)
    if host.has("cpu"):
        yield from _cpu_time(config, is_v1=host.is_v1("cpu"))


_UNSET: Final[dict[str, str | None]] = {
    "lxc.cgroup.memory.limit_in_bytes": "-1",
    "lxc.cgroup.memory.soft_limit_in_bytes": "-1",
    "lxc.cgroup.memory.swappiness": None,
    "lxc.cgroup.pids.max": "max",
    "lxc.cgroup.cpuset.cpus": None,
    "lxc.cgroup.cpu.cfs_period_us": "100000",
    "lxc.cgroup.cpu.cfs_quota_us": "-1",
    "lxc.cgroup.cpu.shares": str(_SHARES_OF_ALL),
    "lxc.cgroup2.memory.max": "max",
    "lxc.cgroup2.memory.high": "max",
    "lxc.cgroup2.memory.swap.max": "max",
    "lxc.cgroup2.pids.max": "max",
    "lxc.cgroup2.cpuset.cpus": "",
    "lxc.cgroup2.cpu.max": "max 100000",
    "lxc.cgroup2.cpu.weight": str(_WEIGHT_OF_ALL),
}
"""What a group without the limit has; None: what the group above it has."""


def live_changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the files of a group to write, with their values (None: as the group above has it), from limit lines."""
    for line in before.keys() - after.keys():
        yield _file(line), _UNSET[line]
    for line, value in after.items():
        if before.get(line) != value:
            yield _file(line), value


def revised_text(text: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return a container's configuration with other limit lines; those that `raw.lxc` adds at the end still win."""
    old = {f"{line} = {value}" for line, value in before.items() if after.get(line) != value}
    new = [f"{line} = {value}" for line, value in after.items() if before.get(line) != value]
    return "".join(f"{line}\n" for line in (*new, *(line for line in text.splitlines() if line not in old)))


def _file(line: str) -> str:
    return line.removeprefix("lxc.cgroup2.").removeprefix("lxc.cgroup.")


def parse_size(key: str, text: str, total_bytes: int) -> int:
    """Read "512MiB", "1GB", "1024" or a percentage of the total; bytes."""
    if percent := _PERCENT.fullmatch(text):
        return total_bytes * int(percent[1]) // 100
    if (match := _SIZE.fullmatch(text)) and match[2] in _UNITS:
        return int(match[1]) * _UNITS[match[2]]
    raise BadRequestError(f'Invalid value for {key}: "{text}" is not a size; write for example 512MiB or 50%')


def _memory(config: Mapping[str, str], total_bytes: int, *, is_v1: bool) -> Iterator[tuple[str, str]]:
    limit = str(parse_size("limits.memory", config["limits.memory"], total_bytes))
    is_soft = config.get("limits.memory.enforce", "hard") == "soft"
    may_swap = config.get("limits.memory.swap", "true").lower() not in ("false", "0", "no", "off")
    if is_v1:
        yield "lxc.cgroup.memory.soft_limit_in_bytes" if is_soft else "lxc.cgroup.memory.limit_in_bytes", limit
        if not may_swap:
            yield "lxc.cgroup.memory.swappiness", "0"
        return
    yield "lxc.cgroup2.memory.high" if is_soft else "lxc.cgroup2.memory.max", limit
    if not may_swap:
        yield "lxc.cgroup2.memory.swap.max", "0"


def _cpu_set(text: str, cpus: tuple[int, ...], key: str) -> str:
    """Return the set as given, or for a bare number that many CPUs, from a start that the instance's key decides."""
    if not _CPU_SET.fullmatch(text):
        raise BadRequestError(f'Invalid value for limits.cpu: "{text}" is neither a number nor a set like 0-1,3')
    if not text.isdigit():
        return text
    count = int(text)
    if count == 0:
        raise BadRequestError("Invalid value for limits.cpu: an instance needs at least one CPU")
    first = zlib.crc32(key.encode()) % len(cpus)
    chosen = [cpus[(first + offset) % len(cpus)] for offset in range(min(count, len(cpus)))]
    return ",".join(str(cpu) for cpu in sorted(chosen))


def _cpu_time(config: Mapping[str, str], *, is_v1: bool) -> Iterator[tuple[str, str]]:
    allowance, priority = config.get("limits.cpu.allowance", ""), config.get("limits.cpu.priority", "")
    percent = _PERCENT.fullmatch(allowance)
    if quota := _CPU_TIME.fullmatch(allowance):
        slice_us, period_us = int(quota[1]) * 1000, int(quota[2]) * 1000
        if is_v1:
            yield "lxc.cgroup.cpu.cfs_period_us", str(period_us)
            yield "lxc.cgroup.cpu.cfs_quota_us", str(slice_us)
        else:
            yield "lxc.cgroup2.cpu.max", f"{slice_us} {period_us}"
    elif allowance and not percent:
        raise BadRequestError(f'Invalid value for limits.cpu.allowance: "{allowance}"; write 50% or 25ms/100ms')
    if not percent and not priority:
        return
    share = int(percent[1]) if percent else 100
    lower_by = _HIGHEST_PRIORITY - (_whole_number("limits.cpu.priority", priority) if priority else _HIGHEST_PRIORITY)
    if is_v1:
        yield "lxc.cgroup.cpu.shares", str(max(2, _SHARES_OF_ALL * share // 100 - lower_by))
    else:
        yield "lxc.cgroup2.cpu.weight", str(max(1, _WEIGHT_OF_ALL * share // 100 - lower_by))


def _whole_number(key: str, text: str) -> int:
    if not text.isdigit():
        raise BadRequestError(f'Invalid value for {key}: "{text}" is not a number')
    return int(text)
