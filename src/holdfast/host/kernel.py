"""Calls of the kernel and the C library that Python has no name for."""

from __future__ import annotations

import ctypes
import os
from typing import Final

AT_FDCWD: Final = -100
_SYS_OPENAT2: Final = 437  # the same number on every architecture
_SYS_PIDFD_GETFD: Final = 438  # this one, too
_SYNC_FILE_RANGE_WRITE: Final = 2
_M_ARENA_MAX: Final = -8
_libc: Final = ctypes.CDLL(None, use_errno=True)


def renameat2(source: os.PathLike[str], target: os.PathLike[str], flags: int) -> None:
    """Rename with flags; raise `OSError` with both names."""
    a, b = os.fsencode(source), os.fsencode(target)
    if _libc.renameat2(AT_FDCWD, a, AT_FDCWD, b, ctypes.c_uint(flags)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fspath(source), None, os.fspath(target))


def syncfs(descriptor: int) -> None:
    """Put the file system of a descriptor on stable storage."""
    _check(_libc.syncfs(descriptor), "syncfs")


def start_writing_out(descriptor: int) -> None:
    """Let the disk begin with what a file has in memory only, without waiting for it; what the kernel refuses is left.

    It begins by itself when a tenth of the memory is dirty: a sync at the end then waits for all of it.
    """
    _libc.sync_file_range(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(_SYNC_FILE_RANGE_WRITE))


def share_memory_among_threads() -> None:
    """Have all threads take memory from two places, where the C library has that choice: to be called before any runs.

    glibc gives each of many threads a place of its own, and what one has given back is no use to the others: in three
    rounds of exports and imports of 1 GB the server grew to 187 MiB without this, and to 156 with it.
    """
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_ARENA_MAX, 2)


def openat2(directory: int, path: bytes, flags: int, mode: int, resolve: int) -> int:
    """Open relative to a directory under the rules `resolve` (struct open_how: three 64-bit words)."""
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    found = _libc.syscall(_SYS_OPENAT2, directory, path, ctypes.byref(how), ctypes.sizeof(how))
    return _check(found, os.fsdecode(path))


def pidfd_getfd(process: int, number: int) -> int:
    """Return a duplicate of a descriptor that the process behind a pidfd has open under a number.

    It takes what tracing that process takes (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS).
    """
    return _check(_libc.syscall(_SYS_PIDFD_GETFD, process, number, 0), f"descriptor {number}")


def file_handle(path: os.PathLike[str]) -> bytes:
    """Return the file handle: number and generation of the inode, in the words of its file system."""
    capacity = 128
    handle = ctypes.create_string_buffer(8 + capacity)
    ctypes.c_uint.from_buffer(handle, 0).value = capacity
    mount_id = ctypes.c_int()
    name = os.fsencode(path)
    _check(_libc.name_to_handle_at(AT_FDCWD, name, handle, ctypes.byref(mount_id), 0), os.fspath(path))
    size = ctypes.c_uint.from_buffer(handle, 0).value
    return handle.raw[4 : 8 + size]


def open_tree(path: os.PathLike[str], flags: int) -> int:
    """Return a descriptor of the mount at `path`, with OPEN_TREE_CLONE of a detached copy of it."""
    return _check(_libc.open_tree(AT_FDCWD, os.fsencode(path), ctypes.c_uint(flags)), os.fspath(path))


def mount_setattr(descriptor: int, attributes: int, user_namespace: int) -> None:
    """Set attributes (and, for MOUNT_ATTR_IDMAP, the user namespace) of a detached mount."""
    at_empty_path = 0x1000
    words = (ctypes.c_uint64 * 4)(attributes, 0, 0, user_namespace)
    found = _libc.mount_setattr(
        descriptor, b"", ctypes.c_uint(at_empty_path), ctypes.byref(words), ctypes.c_size_t(ctypes.sizeof(words))
    )
    _check(found, "mount_setattr")


def _check(found: int, name: str) -> int:
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return int(found)
