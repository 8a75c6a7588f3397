"""Hooks of liblxc's monitor at the start of a container: stage its root before, mount into it just before init runs."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from holdfast.runtime.lxc.files_child import enter
from holdfast.runtime.lxc.mounts import ERROR_NAME, MountPlan, PlannedMount, path_parts
from holdfast.runtime.lxc.rooted import Change, RootedFiles

_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_SYS_MOUNT_SETATTR: Final = 442
_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000
_OPEN_TREE_CLONE: Final = 0x1
_OPEN_TREE_CLOEXEC: Final = os.O_CLOEXEC
_MOVE_MOUNT_BOTH_EMPTY_PATHS: Final = 0x04 | 0x40
_MOUNT_ATTR_RDONLY: Final = 0x1
_MOUNT_ATTR_IDMAP: Final = 0x00100000
_MS_BIND: Final = 0x1000
_MNT_DETACH: Final = 0x2

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def main(arguments: Sequence[str]) -> None:
    """Run the hook of this name; on failure leave a sentence for the server and exit with 1."""
    hook, folder = arguments[0], Path(arguments[1])
    plan = MountPlan.read(folder)
    try:
        if hook == "pre-start":
            _stage(plan)
        elif hook == "start-host":
            _unstage(plan)
            _mount_all(plan, int(os.environ["LXC_PID"]))
        else:
            _unstage(plan)
    except (OSError, ValueError) as error:
        (folder / ERROR_NAME).write_text(str(error))
        sys.exit(1)


def _stage(plan: MountPlan) -> None:
    """Bind the root to where the container's root may go."""
    if plan.stage is None:
        return
    _unstage(plan)
    stage = Path(plan.stage)
    stage.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    stage.mkdir(mode=0o711, exist_ok=True)
    code = _libc.mount(os.fsencode(plan.root), os.fsencode(stage), None, _MS_BIND, None)
    checked(code, f"{plan.root} can't be staged")


def _unstage(plan: MountPlan) -> None:
    """Undo `_stage`: the container has its own mount of the root by now. Idempotent."""
    if plan.stage is not None:
        _libc.umount2(os.fsencode(plan.stage), _MNT_DETACH)
        with contextlib.suppress(OSError):
            Path(plan.stage).rmdir()


def _mount_all(plan: MountPlan, pid: int) -> None:
    namespace = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    trees = [(mount, detached(mount, namespace)) for mount in plan.mounts]
    if not trees:
        return
    files = enter(os.pidfd_open(pid), is_privileged=plan.is_privileged)
    for mount, tree in trees:
        attach(files, mount, tree)


def attach(files: RootedFiles, mount: PlannedMount, tree: int) -> None:
    """Put a detached mount into the tree of the container that this process has entered."""
    place = _target(files, mount, is_directory=stat.S_ISDIR(os.fstat(tree).st_mode))
    code = _libc.syscall(_SYS_MOVE_MOUNT, tree, b"", place, b"", _MOVE_MOUNT_BOTH_EMPTY_PATHS)
    checked(code, f"{mount.source} can't be mounted at {mount.path}")
    os.close(place)


def detached(mount: PlannedMount, user_namespace: int) -> int:
    """Return a mount of the source that is attached nowhere yet, made with the rights of the host."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | (_AT_RECURSIVE if mount.is_recursive else 0)
    tree: int = _libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(mount.source), flags)
    checked(tree, f"{mount.source} can't be mounted at {mount.path}")
    attributes = _MountAttributes()
    if mount.is_read_only:
        attributes.set |= _MOUNT_ATTR_RDONLY
    if mount.use_idmap:
        attributes.set |= _MOUNT_ATTR_IDMAP
        attributes.user_namespace = user_namespace
    if attributes.set:
        where = _AT_EMPTY_PATH | (_AT_RECURSIVE if mount.is_recursive else 0)
        size = ctypes.sizeof(attributes)
        code = _libc.syscall(_SYS_MOUNT_SETATTR, tree, b"", where, ctypes.byref(attributes), size)
        checked(code, f"{mount.source} can't be mounted at {mount.path} with its options")
    return tree


def _target(files: RootedFiles, mount: PlannedMount, *, is_directory: bool) -> int:
    """Return a descriptor of the mount point, made where missing; links are followed inside the root only."""
    path = ""
    parts = path_parts(mount.path)
    for number, part in enumerate(parts, start=1):
        path = f"{path}/{part}"
        kind = "directory" if is_directory or number < len(parts) else "file"
        try:
            found = files.stat(path, follow=True).kind
        except FileNotFoundError:
            files.write(Change(path=path, kind=kind, uid=None, gid=None, mode=None, is_append=False, target=""), None)
            continue
        if (found == "directory") != (kind == "directory"):
            raise ValueError(f"{mount.source} can't be mounted at {mount.path}: {path} is a {found}")
    return files.open_path(path)


def checked(result: int, what: str) -> None:
    """Raise OSError, with a sentence, for a system call that failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
