"""Files that another process has open, and lends: its descriptor is duplicated, and the file opened anew through that.

The process can lend nothing that it couldn't read, or write to, itself, whatever it is told to say: what it may do
stands in the descriptor, and nothing that the process opens meanwhile changes that.
"""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass

from holdfast.host.kernel import pidfd_getfd

_READABLE = (os.O_RDONLY, os.O_RDWR)
_WRITABLE = (os.O_WRONLY, os.O_RDWR)


@dataclass(frozen=True, slots=True)
class LentDescriptor:
    """A number that a process has a regular file open under, and what tells this file from others."""

    number: int
    device: int
    inode: int
    size_bytes: int
    mtime_ns: int


def open_lent(process: int, lent: LentDescriptor, *, is_written: bool = False) -> int | None:
    """Return a descriptor of our own of that file, at its beginning; None where it can't be had from here.

    So it is where the process is of another host or container, or has gone, or has opened something else since. Ours
    reads, and writes where `is_written`, in which case a file that is only appended to is none.
    """
    try:
        found = _duplicate(process, lent.number)
    except OSError:
        return None
    try:
        if not _may(fcntl.fcntl(found, fcntl.F_GETFL), is_written=is_written) or not _is_it(os.fstat(found), lent):
            return None
        mode = os.O_RDWR if is_written else os.O_RDONLY
        return os.open(f"/proc/self/fd/{found}", mode | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    finally:
        os.close(found)


def _duplicate(process: int, number: int) -> int:
    handle = os.pidfd_open(process)
    try:
        return pidfd_getfd(handle, number)
    finally:
        os.close(handle)


def _may(flags: int, *, is_written: bool) -> bool:
    """Tell whether who has the descriptor may do that by it, rather than something else, or only name a file."""
    if flags & os.O_PATH or (is_written and flags & os.O_APPEND):
        return False
    return flags & os.O_ACCMODE in (_WRITABLE if is_written else _READABLE)


def _is_it(facts: os.stat_result, lent: LentDescriptor) -> bool:
    there = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return stat.S_ISREG(facts.st_mode) and there == (lent.device, lent.inode, lent.size_bytes, lent.mtime_ns)
