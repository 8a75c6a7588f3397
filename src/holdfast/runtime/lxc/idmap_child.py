"""Helper process that tries an idmapped mount of one directory: exit code 0 when kernel and file system have them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_SYS_OPEN_TREE: Final = 428
_SYS_MOUNT_SETATTR: Final = 442
_OPEN_TREE_CLONE: Final = 1
_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_MOUNT_ATTR_IDMAP: Final = 0x00100000
_MAP: Final = "0 1000000 65536"


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def main(arguments: Sequence[str]) -> None:
    """Clone the mount of the directory, detached, and map its ids; it vanishes with this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    tree = libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(arguments[0]), _OPEN_TREE_CLONE)
    if tree < 0:
        sys.exit(1)
    attributes = _MountAttributes(set=_MOUNT_ATTR_IDMAP, user_namespace=_user_namespace(libc))
    size = ctypes.sizeof(attributes)
    failed = libc.syscall(_SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attributes), size)
    sys.exit(1 if failed else 0)


def _user_namespace(libc: ctypes.CDLL) -> int:
    """Return a descriptor of a user namespace with a map, made by a short-lived child."""
    ready, ready_write = os.pipe()
    hold_read, hold = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hold)
        code = libc.unshare(_CLONE_NEWUSER)
        os.write(ready_write, b"x" if code == 0 else b"-")
        os.read(hold_read, 1)  # until the parent has what it needs
        os._exit(0)
    os.close(hold_read)
    if os.read(ready, 1) != b"x":
        sys.exit(1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{name}").write_text(_MAP)
    namespace = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
    os.close(hold)
    os.waitpid(child, 0)
    return namespace
