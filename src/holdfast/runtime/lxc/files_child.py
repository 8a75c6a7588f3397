"""Helper process of file access: enters the user and mount namespaces of a running container and does one verb there.

With the rights of the container's root, not of the host's: a link to something dangerous in a mounted /proc or /sys is
then no more than what the container could do by itself. See `files.py` for the talk.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from holdfast.runtime.lxc.rooted import Change, RootedFiles, WrongKindError

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUSER: Final = 0x10000000
_PR_SET_DUMPABLE: Final = 4


def main(arguments: Sequence[str]) -> None:
    """Do the verb of the request; the answer overwrites it in the memory file, a descriptor goes by the socket."""
    talk_fd, control_fd, pidfd = (int(argument) for argument in arguments)
    request = json.loads(os.pread(talk_fd, os.fstat(talk_fd).st_size, 0))
    answer: dict[str, object] = {}
    try:
        files = enter(pidfd, is_privileged=request["is_privileged"])
        facts, descriptor = _perform(files, request)
        answer["facts"] = facts
        if descriptor is not None:
            with socket.socket(fileno=control_fd) as control:
                socket.send_fds(control, [b"f"], [descriptor])
    except WrongKindError as error:
        answer["wrong_kind"] = str(error)
    except OSError as error:
        answer["errno"] = error.errno or errno.EIO
    data = json.dumps(answer).encode()
    os.ftruncate(talk_fd, 0)
    os.pwrite(talk_fd, data, 0)


def enter(pidfd: int, *, is_privileged: bool) -> RootedFiles:
    """Become the root of the container of this process, in its mounts; return its tree."""
    descriptors_fd = os.open("/proc/self/fd", os.O_PATH)  # of the host's /proc: the container's may be a forgery
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    namespaces = _CLONE_NEWNS if is_privileged else _CLONE_NEWNS | _CLONE_NEWUSER
    if libc.setns(pidfd, namespaces) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.umask(0)
    return RootedFiles(os.open("/", os.O_PATH | os.O_DIRECTORY), 0, descriptors_fd)


def _perform(files: RootedFiles, request: dict[str, object]) -> tuple[dict[str, object] | None, int | None]:
    path = str(request["path"])
    verb = request["verb"]
    if verb == "stat":
        return asdict(files.stat(path)), None
    if verb == "list":
        most = request["most"]
        assert isinstance(most, int)
        return {name: asdict(facts) for name, facts in files.list(path, most).items()}, None
    if verb == "read":
        facts, descriptor = files.read(path)
        return asdict(facts), descriptor
    if verb == "write":
        change = request["change"]
        assert isinstance(change, dict)
        files.write(Change(**change), sys.stdin.fileno() if request["has_source"] else None)
        return None, None
    files.delete(path)
    return None, None
