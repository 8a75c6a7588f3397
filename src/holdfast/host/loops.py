"""Files as block devices."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from holdfast.host.processes import run


@contextlib.contextmanager
def attached(file: Path) -> Iterator[Path]:
    """Give the loop device of a file, one that it has already or a new one.

    At the end the device is left to whoever mounted it: it goes with the last unmount, at once if nobody did.
    """
    device = Path(os.fsdecode(run(["losetup", "--find", "--show", "--nooverlap", "--", file]).stdout).strip())
    try:
        # saves caching everything twice; not every file system below can do it
        run(["losetup", "--direct-io=on", device], allowed_codes=range(256))
        yield device
    finally:
        run(["losetup", "--detach", device])


def devices_of(file: Path) -> list[Path]:
    """Return the loop devices that show a file."""
    lines = os.fsdecode(run(["losetup", "--noheadings", "--output", "NAME", "--associated", file]).stdout).split()
    return [Path(line) for line in lines]


def detach_all(file: Path) -> None:
    """Let go of a file, which isn't mounted any more, before it is removed.

    Who was killed between attaching and mounting has left a device that nobody would ever detach.
    """
    for device in devices_of(file):
        run(["losetup", "--detach", device], allowed_codes=range(256))  # it may be going just now


def grow(file: Path, size_bytes: int) -> None:
    """Make the file longer and let its loop devices see it."""
    os.truncate(file, size_bytes)
    for device in devices_of(file):
        run(["losetup", "--set-capacity", device])
