"""What containers need of this host, looked up and tried rather than guessed."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path
from typing import Final

from holdfast.host.cgroups import hierarchies
from holdfast.host.helper import start_helper
from holdfast.runtime.base import IdMap
from holdfast.runtime.lxc.liblxc import LIBRARY

FALLBACK_IDMAP: Final = IdMap(host_base=1_000_000, size=1_000_000_000)
_SMALLEST_RANGE: Final = 65_536


def missing_parts() -> list[str]:
    """Return one sentence with the remedy for each thing that is missing."""
    found: list[str] = []
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        found.append("The library liblxc is missing: install the Debian package liblxc1.")
    if shutil.which("lxc-start") is None:
        found.append("The program lxc-start is missing: install the Debian package lxc.")
    if not Path("/proc/self/ns/user").exists():
        found.append("The kernel has no user namespaces: boot one with CONFIG_USER_NS=y.")
    elif _number(Path("/proc/sys/user/max_user_namespaces")) == 0:
        found.append("User namespaces are switched off: run sysctl user.max_user_namespaces=10000.")
    host = hierarchies()
    if not host.roots():
        found.append("No control groups are mounted: mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.")
    else:
        missing = [name for name in ("memory", "pids", "freezer", "cpu") if not host.has(name)]
        if missing:
            found.append(f"Control groups lack {', '.join(missing)}: limits and counters of these won't work.")
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        found.append("The kernel doesn't list children of processes: boot one with CONFIG_PROC_CHILDREN=y.")
    return found


def default_idmap(subuid: Path = Path("/etc/subuid"), subgid: Path = Path("/etc/subgid")) -> IdMap:
    """Return the range that root may give away by both files, else LXD's default range."""
    users, groups = _ranges(subuid), _ranges(subgid)
    for base, size in users:
        for other_base, other_size in groups:
            common = min(size, other_size)
            if base == other_base and common >= _SMALLEST_RANGE:
                return IdMap(host_base=base, size=common)
    return FALLBACK_IDMAP


def _ranges(path: Path) -> list[tuple[int, int]]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return []
    rows = [line.split(":") for line in lines]
    return [
        (int(row[1]), int(row[2]))
        for row in rows
        if len(row) == 3 and row[0] in ("root", "0") and row[1].isdigit() and row[2].isdigit()
    ]


def can_idmap(path: Path) -> bool:
    """Try an idmapped mount of the directory; it is never attached anywhere, so nothing needs cleaning up."""
    return start_helper("holdfast.runtime.lxc.idmap_child", (str(path),)).wait() == 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
