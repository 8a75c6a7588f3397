"""Files that another process has open, and lends: opened anew by way of its descriptor.

The process can lend nothing that it could not read itself, whatever it is told to say.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

_FLAGS = re.compile(r"^flags:\s*0?([0-7]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LentDescriptor:
    """A number that a process has a regular file open under, and what tells this file from others."""

    number: int
    device: int
    inode: int
    size_bytes: int
    mtime_ns: int


def open_lent(process: int, lent: LentDescriptor) -> int | None:
    """Return a descriptor of our own of that file, at its beginning; None where it can't be seen from here.

    So it is where the process is of another host or container, or has gone, or has opened something else since.
    """
    place = f"/proc/{process}/fd/{lent.number}"
    try:
        found = os.open(place, os.O_PATH | os.O_CLOEXEC)  # what it is comes first: opening a device may do something
    except OSError:
        return None
    try:
        if not _is_read(process, lent.number) or not _is_it(os.fstat(found), lent):
            return None
        return os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    finally:
        os.close(found)


def _is_it(facts: os.stat_result, lent: LentDescriptor) -> bool:
    there = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return stat.S_ISREG(facts.st_mode) and there == (lent.device, lent.inode, lent.size_bytes, lent.mtime_ns)


def _is_read(process: int, number: int) -> bool:
    """Tell whether the process may read by its descriptor, rather than write alone, or only name a file."""
    found = _FLAGS.search(Path(f"/proc/{process}/fdinfo/{number}").read_text())
    flags = int(found[1], 8) if found else os.O_PATH
    return not flags & os.O_PATH and flags & os.O_ACCMODE in (os.O_RDONLY, os.O_RDWR)
