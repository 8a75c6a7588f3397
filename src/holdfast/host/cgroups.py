"""Control groups, versions 1 and 2 and both mixed: where each controller lives, and what a group uses.

Reads and small writes only; the groups themselves are made by liblxc.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_UNLIMITED_V1: Final = 1 << 62
"""Version 1 says "no limit" with a number near 2^63."""
_FREEZE_POLL_S: Final = 0.002


@dataclass(frozen=True, kw_only=True, slots=True)
class Hierarchies:
    """Mount points: one for each version 1 controller, and the unified one (None: not mounted)."""

    v1: Mapping[str, Path]
    unified: Path | None

    def is_v1(self, controller: str) -> bool:
        """Tell whether the controller is driven through version 1 here."""
        return controller in self.v1

    def has(self, controller: str) -> bool:
        """Tell whether the controller can be used at all."""
        if controller in self.v1:
            return True
        if self.unified is None:
            return False
        if controller == "freezer":  # part of the core of version 2, not listed
            return True
        return controller in _read(self.unified / "cgroup.controllers").split()

    def roots(self) -> list[Path]:
        """Return each mounted hierarchy once."""
        return sorted({*self.v1.values(), *([self.unified] if self.unified else [])})


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What the processes of a group use: bytes and nanoseconds; 0 where the host doesn't count it."""

    processes: int = 0
    cpu_ns: int = 0
    memory: int = 0
    memory_peak: int = 0
    swap: int = 0
    swap_peak: int = 0


def parse_hierarchies(mountinfo: str) -> Hierarchies:
    """Find the hierarchies in the text of `/proc/self/mountinfo`; the first mount of each counts."""
    v1: dict[str, Path] = {}
    unified: Path | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        mount_point = Path(left.split()[4])
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup2":
            unified = unified or mount_point
        elif kind == "cgroup":
            for option in options.split(","):
                if (option not in ("rw", "ro", "xattr", "none") and "=" not in option) or option.startswith("name="):
                    v1.setdefault(option, mount_point)
    return Hierarchies(v1=v1, unified=unified)


@cache
def hierarchies() -> Hierarchies:
    """Return this host's hierarchies; read once, as they are laid at boot."""
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text())


class ControlGroup:
    """The group of one name, directly below the root of every hierarchy."""

    def __init__(self, name: str, host: Hierarchies | None = None) -> None:
        self._name = name
        self._host = host if host is not None else hierarchies()

    def usage(self) -> Usage:
        """Read all counters; a group that isn't there uses nothing."""
        memory, memory_peak, swap, swap_peak = self._memory()
        return Usage(
            processes=self._number("pids", "pids.current", "pids.current"),
            cpu_ns=self._cpu_ns(),
            memory=memory,
            memory_peak=memory_peak,
            swap=swap,
            swap_peak=swap_peak,
        )

    def is_frozen(self) -> bool:
        freezer = self._host.v1.get("freezer")
        if freezer is not None:
            return _read(freezer / self._name / "freezer.state").strip() == "FROZEN"
        if self._host.unified is None:
            return False
        return "frozen 1" in _read(self._host.unified / self._name / "cgroup.events")

    def set_frozen(self, frozen: bool, timeout_s: float = 10.0) -> bool:
        """Freeze or thaw all processes; return whether that was so within the timeout."""
        freezer = self._host.v1.get("freezer")
        if freezer is not None:
            path, value = freezer / self._name / "freezer.state", "FROZEN" if frozen else "THAWED"
        else:
            assert self._host.unified is not None, "no freezer on this host"
            path, value = self._host.unified / self._name / "cgroup.freeze", "1" if frozen else "0"
        path.write_text(value)
        deadline = time.monotonic() + timeout_s
        while self.is_frozen() != frozen:  # neither version tells a waiter on every kernel: ask again
            if time.monotonic() > deadline:
                return False
            time.sleep(_FREEZE_POLL_S)
        return True

    def write(self, file: str, value: str | None) -> None:
        """Set one value ("memory.max"); None copies it from the group above. Raises `OSError` as the kernel does."""
        controller = file.partition(".")[0]
        root = self._host.v1.get(controller, self._host.unified)
        assert root is not None, f"no hierarchy for {file}"
        text = value if value is not None else _read(root / file).strip()
        try:
            _put(root / self._name / file, text)
        except OSError as error:
            if file != "cpuset.cpus" or error.errno != errno.EBUSY:
                raise
            self._move_cpus(root / self._name, text)

    def _move_cpus(self, group: Path, cpus: str) -> None:
        """Give the group and all below other CPUs: version 1 wants each group's within those of the group above it."""
        former = _read(group / "cpuset.cpus").strip()
        folders = [Path(folder) for folder, _, _ in os.walk(group)]
        for folder in folders:
            _put(folder / "cpuset.cpus", f"{former},{cpus}")
        for folder in reversed(folders):
            _put(folder / "cpuset.cpus", cpus)

    def remove(self) -> None:
        """Remove what is left of the group in all hierarchies; groups that hold processes stay."""
        for root in self._host.roots():
            _remove_tree(root / self._name)

    def exists(self) -> bool:
        return any((root / self._name).is_dir() for root in self._host.roots())

    def _cpu_ns(self) -> int:
        accounting = self._host.v1.get("cpuacct")
        if accounting is not None:
            return _number(accounting / self._name / "cpuacct.usage")
        return 1000 * self._keyed("cpu.stat", "usage_usec")

    def _memory(self) -> tuple[int, int, int, int]:
        """Return memory, its peak, swap, its peak. Version 1 counts both together: the difference is swap."""
        root = self._host.v1.get("memory")
        if root is None:
            names = ("memory.current", "memory.peak", "memory.swap.current", "memory.swap.peak")
            current, peak, swap, swap_peak = (self._unified_number(name) for name in names)
            return current, peak, swap, swap_peak
        group = root / self._name
        memory, peak = _number(group / "memory.usage_in_bytes"), _number(group / "memory.max_usage_in_bytes")
        both, both_peak = (
            _number(group / "memory.memsw.usage_in_bytes"),
            _number(group / "memory.memsw.max_usage_in_bytes"),
        )
        return memory, peak, max(0, both - memory), max(0, both_peak - peak)

    def _number(self, controller: str, v1_file: str, v2_file: str) -> int:
        root = self._host.v1.get(controller)
        return _number(root / self._name / v1_file) if root is not None else self._unified_number(v2_file)

    def _unified_number(self, file: str) -> int:
        return _number(self._host.unified / self._name / file) if self._host.unified is not None else 0

    def _keyed(self, file: str, key: str) -> int:
        if self._host.unified is None:
            return 0
        for line in _read(self._host.unified / self._name / file).splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
        return 0


def _remove_tree(directory: Path) -> None:
    for folder, _, _ in os.walk(directory, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _put(path: Path, text: str) -> None:
    """Write with one call, as the kernel takes each for a value of its own; never create a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, f"{text}\n".encode())
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _read(path).strip()
    value = int(text) if text.isdigit() else 0
    return 0 if value >= _UNLIMITED_V1 else value
