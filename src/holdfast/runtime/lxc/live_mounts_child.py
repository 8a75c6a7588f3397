"""Helper process that changes the mounts of a running container: takes the sources as the host, attaches them inside.

Standard input holds {"is_privileged", "pid", "pidfd", "removed", "added"}; a failure is a line on standard error and
exit code 1, with everything mounted as before.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from collections.abc import Sequence
from typing import Final

from holdfast.runtime.lxc.files_child import enter
from holdfast.runtime.lxc.mounts import PlannedMount
from holdfast.runtime.lxc.mounts_child import attach, checked, detached
from holdfast.runtime.lxc.rooted import RootedFiles

_MNT_DETACH: Final = 0x2
_UMOUNT_NOFOLLOW: Final = 0x8

_libc = ctypes.CDLL(None, use_errno=True)
Tree = tuple[PlannedMount, int]


def main(arguments: Sequence[str]) -> None:
    request = json.load(sys.stdin)
    removed, added = ([PlannedMount(**mount) for mount in request[key]] for key in ("removed", "added"))
    try:
        namespace = os.open(f"/proc/{request['pid']}/ns/user", os.O_RDONLY)
        former = _former(removed, namespace)
        new = [(mount, detached(mount, namespace)) for mount in added]
        files = enter(request["pidfd"], is_privileged=request["is_privileged"])
        _change(files, former, new)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _former(removed: Sequence[PlannedMount], namespace: int) -> list[tuple[PlannedMount, int | None]]:
    """Take what shall go once more: to know it when it is seen, and to put it back. None where the source is gone."""
    trees: list[tuple[PlannedMount, int | None]] = []
    for mount in removed:
        tree: int | None = None
        with contextlib.suppress(FileNotFoundError):
            tree = detached(mount, namespace)
        trees.append((mount, tree))
    return trees


def _change(files: RootedFiles, former: Sequence[tuple[PlannedMount, int | None]], new: Sequence[Tree]) -> None:
    gone: list[Tree] = []
    there: list[PlannedMount] = []
    try:
        for mount, tree in reversed(former):
            if _is_mounted(files, mount, tree):
                _unmount(files, mount.path)
                if tree is not None:
                    gone.append((mount, tree))
        for mount, tree in new:
            attach(files, mount, tree)
            there.append(mount)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            for mount in reversed(there):
                _unmount(files, mount.path)
        for mount, tree in reversed(gone):
            attach(files, mount, tree)
        raise


def _is_mounted(files: RootedFiles, mount: PlannedMount, tree: int | None) -> bool:
    """Tell whether what is at the path is this mount; somebody inside may have unmounted or covered it."""
    try:
        place = files.open_path(mount.path)
    except OSError:
        return False
    try:
        facts = os.fstat(place)
    finally:
        os.close(place)
    if tree is None:
        return True
    wanted = os.fstat(tree)
    return (facts.st_dev, facts.st_ino) == (wanted.st_dev, wanted.st_ino)


def _unmount(files: RootedFiles, path: str) -> None:
    """Unmount with the rights of the container's root, so that a path that changes meanwhile hits only itself."""
    place = files.open_path(path)
    try:
        real = files.real_path(place)
    finally:
        os.close(place)
    checked(_libc.umount2(os.fsencode(real), _MNT_DETACH | _UMOUNT_NOFOLLOW), f"{path} can't be unmounted")
