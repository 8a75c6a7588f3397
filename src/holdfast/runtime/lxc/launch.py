"""The command that starts a container, and the hooks that liblxc's monitor runs for it.

liblxc 5.0 forgets the idmapped mount of the root when it reboots a container by itself. So its hook after the stop
fails on purpose when the container wants a reboot (liblxc then leaves it stopped), and a process that outlives the
monitor starts it anew. That works without the server too. Standard library only.

    <folder>/monitor.pid    the monitor process, while the container runs
             restart.pid    the process that starts it again, between two runs
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from holdfast.runtime.lxc.mounts import MountPlan
from holdfast.runtime.lxc.naming import LXC_PATH

PID_FILE: Final = "monitor.pid"
RESTART_PID_FILE: Final = "restart.pid"
LOG_NAME: Final = "lxc.log"
RESTART_MODULE: Final = "holdfast.runtime.lxc.restart_child"
_MOUNTS_MODULE: Final = "holdfast.runtime.lxc.mounts_child"
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_ENVIRONMENT: Final = {"PATH": "/nowhere", "LC_ALL": "C"}
"""Where liblxc finds `newuidmap` it gives root only the ranges of /etc/subuid; as root it can do without."""

_PACKAGE_PARENT: Final = Path(__file__).resolve().parents[3]


def start_command(folder: Path, name: str, log: Path) -> list[str]:
    """Return the command; it ends when the container's first process runs, and leaves the monitor process behind.

    Run it with `START_ENVIRONMENT`.
    """
    program = shutil.which("lxc-start", path=_SYSTEM_PATH) or "/usr/bin/lxc-start"
    command = [program, "-P", LXC_PATH, "-n", name, "-f", str(folder / "config")]
    return [*command, "-p", str(folder / PID_FILE), "-o", str(log), "-l", "WARN"]


def write_hooks(folder: Path, name: str, log: Path, plan: MountPlan) -> dict[str, Path]:
    """Write the hook scripts that are needed, as each costs time; return them by liblxc's name of the hook."""
    restart = f'[ "$LXC_TARGET" = reboot ] || exit 0\nexec {_python(RESTART_MODULE, str(folder), name, str(log))}'
    scripts = {"post-stop": restart}
    if plan.stage is not None or plan.mounts:
        scripts["start-host"] = f"exec {_python(_MOUNTS_MODULE, 'start-host', str(folder))}"
    if plan.stage is not None:
        scripts["pre-start"] = f"exec {_python(_MOUNTS_MODULE, 'pre-start', str(folder))}"
        scripts["post-stop"] = f"{_python(_MOUNTS_MODULE, 'post-stop', str(folder))}\n{restart}"
    return {hook: _write(folder / hook, f"#!/bin/sh\n{text}\n") for hook, text in scripts.items()}


def _python(module: str, *arguments: str) -> str:
    code = f"import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main(sys.argv[2:])"
    return shlex.join([sys.executable, "-I", "-S", "-c", code, str(_PACKAGE_PARENT), *arguments])


def _write(path: Path, text: str) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o700)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
