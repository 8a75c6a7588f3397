"""Mounts that show other owners than the disk holds: can a file system do it, and a descriptor of such a mount."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from holdfast.host import kernel
from holdfast.host.processes import PIPE, pipe
from holdfast.model.errors import CommandError

_OPEN_TREE_CLONE: Final = 0x1
_MOUNT_ATTR_IDMAP: Final = 0x00100000


@contextlib.contextmanager
def user_namespace(*, disk_base: int, shown_base: int, size: int) -> Iterator[int]:
    """Give a descriptor of a user namespace that maps ids on disk to ids shown.

    Users and groups alike: id `disk_base + n` on disk is seen as `shown_base + n` through a mount with this map.
    """
    command = ["unshare", "--user", "--", "sh", "-c", "echo ready; exec cat"]
    with pipe(command, stdin=PIPE, stdout=PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            process.wait()
        line = f"{disk_base} {shown_base} {size}\n"
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{kind}").write_text(line)
        descriptor = os.open(f"/proc/{process.pid}/ns/user", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def idmapped_tree(path: Path, *, disk_base: int, shown_base: int, size: int) -> Iterator[int]:
    """Give a directory descriptor of a detached mount of `path` with mapped owners; nothing is left to unmount."""
    with user_namespace(disk_base=disk_base, shown_base=shown_base, size=size) as namespace:
        tree = kernel.open_tree(path, _OPEN_TREE_CLONE | os.O_CLOEXEC)
        try:
            kernel.mount_setattr(tree, _MOUNT_ATTR_IDMAP, namespace)
            yield tree
        finally:
            os.close(tree)


def can_idmap(path: Path) -> bool:
    """Tell whether kernel and file system of `path` have idmapped mounts: it is tried, about 5 ms."""
    try:
        with idmapped_tree(path, disk_base=0, shown_base=1_000_000, size=65536):
            return True
    except (OSError, CommandError):
        return False
