"""Commands inside a running container: one helper process each (`exec_child`), which outlives the server.

server -> forker   one packet with five descriptors: a memory file with the request as JSON, the command's streams, and
                   a socket, by which server and helper talk from then on
server -> helper   a signal's number in digits
helper -> server   one packet: {"code": n} when the command has ended, or {"error": text} when it never ran
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from pathlib import Path

from holdfast.model.errors import RuntimeFailure
from holdfast.runtime.base import ExecSpec
from holdfast.runtime.lxc.forker import ExecForker
from holdfast.runtime.lxc.naming import LXC_PATH


class LxcExecProcess:
    """A command that runs inside; thread-safe."""

    def __init__(self, name: str, control: socket.socket) -> None:
        self._name = name
        self._control = control
        self._lock = threading.Lock()
        self._code: int | None = None

    def wait(self) -> int:
        """Wait for the end of the command itself (not of what it left in the background); return its exit code."""
        with self._lock:
            if self._code is None:
                self._code = self._receive()
            return self._code

    def signal(self, number: int) -> None:
        """Send a signal to the command; one that has ended is left in peace."""
        with contextlib.suppress(OSError):
            self._control.send(str(number).encode())

    def _receive(self) -> int:
        message = last_message(self._control)
        self._control.close()
        answer = json.loads(message) if message else {"error": "its helper process was ended"}
        if "code" not in answer:
            raise RuntimeFailure(f'Failed to run a command in container "{self._name}": {answer["error"]}')
        return int(answer["code"])


def last_message(control: socket.socket) -> bytes:
    """Return what the helper said before it ended, nothing if it said nothing.

    A helper that ends with a signal of ours still unread resets the connection; that is told once, before its message.
    """
    try:
        return control.recv(65536)
    except ConnectionResetError:
        return control.recv(65536)


def start_exec(
    name: str,
    config: Path,
    spec: ExecSpec,
    stdin: int,
    stdout: int,
    stderr: int,
    *,
    is_terminal: bool,
    forker: ExecForker,
) -> LxcExecProcess:
    """Start a command; the descriptors are copied and stay the caller's."""
    request = {
        "path": LXC_PATH,
        "name": name,
        "config": str(config),
        "command": list(spec.command),
        "environment": dict(spec.environment),
        "user": spec.user,
        "group": spec.group,
        "cwd": spec.cwd,
        "is_terminal": is_terminal,
    }
    request_fd = os.memfd_create("exec", os.MFD_CLOEXEC)
    try:
        os.write(request_fd, json.dumps(request).encode())
        os.lseek(request_fd, 0, os.SEEK_SET)
        control = forker.send((request_fd, stdin, stdout, stderr))
    finally:
        os.close(request_fd)
    return LxcExecProcess(name, control)
