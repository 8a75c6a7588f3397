"""Helper processes of exec, and the process that forks them: each enters a container and runs one command there.

What is said between them and the server is told in `exec.py`.

Runs on the standard library alone, single-threaded. Its descriptors 0 to 2 become the command's.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import os
import select
import signal
import socket
import termios
from collections.abc import Sequence
from typing import Final

from holdfast.runtime.lxc.liblxc import LIBRARY, Container, LiblxcError

CODE_NOT_EXECUTABLE: Final = 126
CODE_NOT_FOUND: Final = 127
_PR_SET_DUMPABLE: Final = 4
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main(arguments: Sequence[str]) -> None:
    """Prepare all that is the same for every command, then fork a helper for each that comes, until the server ends."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=int(arguments[0]))
    channel.set_inheritable(False)
    # Nobody inside may trace us or open our memory or binary while a helper is on its way in.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    ctypes.CDLL(LIBRARY)  # stays loaded
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the helpers: they answer by their sockets
    gc.freeze()
    while descriptors := socket.recv_fds(channel, 16, 5)[1]:
        _fork_helper(channel, descriptors)


def _fork_helper(channel: socket.socket, descriptors: list[int]) -> None:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=descriptors.pop())
    control.set_inheritable(False)  # `recv_fds` of Python 3.11 takes no flags; the others are closed before the command
    try:
        pid = os.fork()
    except OSError as error:
        control.send(json.dumps({"error": f"no process for it: {error.strerror}"}).encode())
        pid = -1
    if pid == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            channel.close()
            _help(control, descriptors)
        finally:
            os._exit(1)
    control.close()
    for descriptor in descriptors:
        os.close(descriptor)


def _help(control: socket.socket, descriptors: list[int]) -> None:
    """Be the helper of one command: run it and send its result."""
    request_fd, *streams = descriptors
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    with open(request_fd, "rb") as file:
        request = json.load(file)
    try:
        container = Container(request["path"], request["name"], request["config"])
        pid = container.attach(lambda: _become(request), uid=request["user"], gid=request["group"])
    except LiblxcError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    _let_go_of_streams()
    code = _supervise(pid, control)
    with contextlib.suppress(OSError):  # the server that asked may be gone
        control.send(json.dumps({"code": code}).encode())


def _become(request: dict[str, object]) -> int:
    """Turn the child into the command; only returns (by exit) when that fails."""
    command, environment = request["command"], request["environment"]
    assert isinstance(command, list) and isinstance(environment, dict)
    os.setsid()
    if request["is_terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    _enter_directory(str(request["cwd"]))
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os._exit(_exec(command, {"container": "lxc", **environment}))


def _enter_directory(path: str) -> None:
    for choice in (path, "/"):
        try:
            os.chdir(choice)
        except OSError:
            continue
        return


def _exec(command: list[str], environment: dict[str, str]) -> int:
    name = command[0]
    folders = [""] if "/" in name else environment.get("PATH", _DEFAULT_PATH).split(":")
    code = CODE_NOT_FOUND
    reason = errno.ENOENT
    for folder in folders:
        path = os.path.join(folder, name) if folder else name
        try:
            os.execve(path, command, environment)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                code, reason = CODE_NOT_EXECUTABLE, error.errno or 0
        except ValueError:
            code, reason = CODE_NOT_EXECUTABLE, errno.EINVAL
    os.write(2, f"{name}: {os.strerror(reason)}\n".encode(errors="surrogateescape"))
    return code


def _let_go_of_streams() -> None:
    """Drop our copies of the command's streams, so that their ends are seen when the command's own are closed."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)


def _supervise(pid: int, control: socket.socket) -> int:
    """Pass signals on until the command ends; return its exit code. The server may vanish meanwhile."""
    process = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.register(control, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if process in ready:
            status = os.waitpid(pid, 0)[1]
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        message = control.recv(16)
        if not message:
            poll.unregister(control)
            continue
        signal.pidfd_send_signal(process, int(message))
