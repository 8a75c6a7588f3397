"""Run a client of a real LXD or Incus that may miss the end of what it waits for.

In about one of 15 tries the server is done with a quick operation before the client listens to its events, and the
client waits for ever. Here it is ended as soon as it idles and no server that takes part works at anything.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from support.http import ask

_LOOK_EACH_S = 10
_WAITED_FOR_AN_ANSWER = (("storage", "create"), ("storage", "delete"))
"""What the server does while it is asked, and not as an operation, and what takes long: nothing can be missed there."""


class MissedEndError(subprocess.TimeoutExpired):
    """The client waits for the end of an operation that the server has no more."""


def run_watched(
    command: Sequence[str],
    environment: Mapping[str, str],
    data: bytes,
    servers: Sequence[Path],
    *,
    timeout_s: float = 600,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command with this input, against servers that have these sockets.

    Raises `MissedEndError` where it will never end. Whether the operation was a success can't be asked any more then.
    """
    latest = time.monotonic() + timeout_s
    pipe = subprocess.PIPE
    left_to_send: bytes | None = data
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        while True:
            left = latest - time.monotonic()
            try:
                out, err = process.communicate(left_to_send, timeout=max(0.1, min(left, _LOOK_EACH_S)))
                return subprocess.CompletedProcess(command, process.returncode, out, err)
            except subprocess.TimeoutExpired as waited:
                left_to_send = None  # the rest of it, if any, is sent by the next call
                has_missed = tuple(command[1:3]) not in _WAITED_FOR_AN_ANSWER and _has_missed(process, servers)
                if has_missed or left <= _LOOK_EACH_S:
                    process.kill()
                    error = MissedEndError if has_missed else subprocess.TimeoutExpired
                    raise error(command, timeout_s, waited.output, waited.stderr) from None


def _has_missed(process: subprocess.Popen[bytes], servers: Sequence[Path]) -> bool:
    """Tell whether the client does nothing, and the servers have nothing running, for three seconds."""
    before = _cpu_ticks(process.pid)
    for _ in range(3):
        if not all(_is_idle(server) for server in servers):
            return False
        time.sleep(1)
    return process.poll() is None and _cpu_ticks(process.pid) == before


def _is_idle(server: Path) -> bool:
    """Tell whether a server has no operation at all, of any project, not even one that has just ended."""
    try:
        return ask(server, "GET", "/1.0/operations?all-projects=true").body["metadata"] == {}
    except (OSError, HTTPException):
        return False


def _cpu_ticks(pid: int) -> list[str]:
    """Return the time that a process used in user and kernel mode, or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return []
