"""What this process has open: of one directory, as other threads open and close theirs all the time."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def open_below(directory: Path) -> list[str]:
    """Return what the descriptors of this process stand for that are of the directory, or below it."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # nobody but a test has such a path
                found.append(error.strerror)
            continue
        if target == str(directory) or target.startswith(f"{directory}/"):
            found.append(target)
    return sorted(found)
