"""Helper process of a reboot: called by liblxc's monitor as its last hook, see `launch.py`."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from holdfast.runtime.lxc.launch import RESTART_PID_FILE, START_ENVIRONMENT, start_command

_MONITOR_END_TIMEOUT_MS: Final = 60_000


def main(arguments: Sequence[str]) -> None:
    """Leave a process that starts the container when the monitor has ended; fail, so that liblxc doesn't."""
    folder, name, log = Path(arguments[0]), arguments[1], Path(arguments[2])
    monitor = os.pidfd_open(os.getppid())
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(told, 1)
        _restart(folder, name, log, monitor)
    pid_file = folder / RESTART_PID_FILE
    pid_file.write_text(str(child))
    os.write(tell, b"x")
    sys.exit(1)


def _restart(folder: Path, name: str, log: Path, monitor: int) -> None:
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    _leave_control_groups()
    poll = select.poll()
    poll.register(monitor, select.POLLIN)
    poll.poll(_MONITOR_END_TIMEOUT_MS)
    command = start_command(folder, name, log)
    code = subprocess.run(command, stdin=subprocess.DEVNULL, env=START_ENVIRONMENT, check=False).returncode
    (folder / RESTART_PID_FILE).unlink(missing_ok=True)
    os._exit(code)


def _leave_control_groups() -> None:
    """Go to the root of each hierarchy: the groups of the monitor, which we were born in, are removed with it."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        if right.startswith("cgroup"):
            with contextlib.suppress(OSError):
                (Path(left.split()[4]) / "cgroup.procs").write_text("0")
