"""Terminals out of a container's own devpts, so that `tty`, `screen` and `sudo` inside know their name."""

from __future__ import annotations

import ctypes
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from holdfast.model.errors import RuntimeFailure
from holdfast.runtime.lxc.rooted import RootedFiles

_TIOCSPTLCK: Final = 0x40045431
_TIOCGPTPEER: Final = 0x5441
_PTMX_DEVICE: Final = os.makedev(5, 2)
_DEVPTS_MAGIC: Final = 0x1CD1


def open_terminal(pid: int, uid: int, gid: int) -> tuple[int, int]:
    """Return master and slave of a new terminal; the slave belongs to the ids given (as seen inside).

    The container decides what is at `/dev/pts/ptmx`: only a real multiplexer of a devpts is taken.
    """
    root = RootedFiles(os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY))
    try:
        master = root.open_device("/dev/pts/ptmx", _is_multiplexer)
    except OSError as error:
        raise RuntimeFailure(f"The instance gives no terminal: {error.strerror}") from error
    finally:
        root.close()
    try:
        fcntl.ioctl(master, _TIOCSPTLCK, b"\0\0\0\0")
        slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        os.fchown(slave, _outside(pid, "uid_map", uid), _outside(pid, "gid_map", gid))
    except OSError as error:
        os.close(master)
        raise RuntimeFailure(f"The instance gives no terminal: {error.strerror}") from error
    return master, slave


def _outside(pid: int, name: str, inside_id: int) -> int:
    """Return the host's number of an id inside, by the process's map; 0 stands for what isn't mapped."""
    for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
        first, base, size = (int(word) for word in line.split())
        if first <= inside_id < first + size:
            return base + inside_id - first
    return 0


def _is_multiplexer(handle: int) -> bool:
    found = os.fstat(handle)
    if not stat.S_ISCHR(found.st_mode) or found.st_rdev != _PTMX_DEVICE:
        return False
    buffer = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None).fstatfs(handle, buffer) != 0:
        return False
    return int(ctypes.c_long.from_buffer(buffer).value) == _DEVPTS_MAGIC
