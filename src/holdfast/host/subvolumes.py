"""btrfs subvolumes by the kernel's own calls (linux/btrfs.h): one snapshot takes no process, only the transaction.

Structures used, little endian words:

    vol_args      fd s64, name[4088]
    vol_args_v2   fd s64, transid u64, flags u64, unused 32 bytes, name[4040]
    info          treeid u64, name[256], parent u64, dirid u64, generation u64, flags u64, uuid[16], ...   (504 bytes)
    rootref       min_treeid u64, 255 x (treeid u64, dirid u64), count u8, align 7
    lookup_user   dirid u64, treeid u64, name[256], path[3824]
    received      uuid[16], stransid u64, rtransid u64, stime s64 u32 align 4, rtime the same, flags u64, 16 x u64

In `info` the UUID is at 296, the transaction of the last change at 344; at 328 is the UUID that a received subvolume
has at its sender, at 360 its transaction there. At 312 is the UUID of what it is a snapshot of, at 352 the transaction
that made it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import threading
import time
import uuid
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory
from holdfast.host.btrfs_items import find_item, find_items

SUBVOLUME_INODE: Final = 256
_SYNC: Final = 0x9408
_SNAP_DESTROY: Final = 0x5000940F
_SNAP_CREATE_V2: Final = 0x50009417
_SUBVOL_CREATE_V2: Final = 0x50009418
_GET_FLAGS: Final = 0x80089419
_SET_FLAGS: Final = 0x4008941A
_GET_INFO: Final = 0x81F8943C
_GET_ROOTREF: Final = 0xD000943D
_LOOKUP_USER: Final = 0xD000943E
_READ_ONLY: Final = 2
_SET_RECEIVED: Final = 0xC0C89425
_ROOTREFS: Final = 255
_INODE_ITEM: Final = 1
_PARENT: Final = slice(312, 328)
_CREATING: Final = threading.Lock()
_TICKS: Final = 5
"""CLOCK_REALTIME_COARSE, by which the kernel dates what is made; Python has no name for it."""
_NOBODY: Final = (uuid.UUID(int=0), 0)
"""What a subvolume that wasn't received has for its sender's."""


def is_subvolume(path: Path) -> bool:
    """Tell whether `path` is the top of a subvolume (its file system being btrfs is the caller's to know)."""
    try:
        return path.lstat().st_ino == SUBVOLUME_INODE
    except FileNotFoundError:
        return False


def create(path: Path) -> None:
    """Make an empty subvolume. Its top directory is of another time than that of any made before: see `_origin`."""
    with _CREATING, directory(path.parent) as parent:
        let_time_pass()
        fcntl.ioctl(parent, _SUBVOL_CREATE_V2, _arguments_v2(0, 0, os.fsencode(path.name)))


def let_time_pass() -> None:
    """Wait until what is made is of a later time than all that was made before: a tick of the kernel, 10 ms at most.

    New kernels make any number of subvolumes in one transaction, and within a tick all of them are of one nanosecond.
    """
    before = time.clock_gettime_ns(_TICKS)
    while time.clock_gettime_ns(_TICKS) == before:
        time.sleep(0.0005)


def snapshot(source: Path, target: Path, *, is_read_only: bool = False) -> None:
    """Make `target` a snapshot of one subvolume, without those nested in it; on stable storage when this returns."""
    with directory(source) as descriptor, directory(target.parent) as parent:
        flags = _READ_ONLY if is_read_only else 0
        fcntl.ioctl(parent, _SNAP_CREATE_V2, _arguments_v2(descriptor, flags, os.fsencode(target.name)))


def snapshot_all(source: Path, target: Path) -> None:
    """Make a writable snapshot of a subvolume and of all nested ones.

    What is inside may be changing and isn't trusted: nested ones are reached without following links.
    """
    snapshot(source, target)
    with directory(source) as old, directory(target) as new:
        for path in _nested(old):
            with contextlib.suppress(FileNotFoundError):  # moved or removed since it was listed
                _snapshot_nested(old, new, path)


def snapshot_into(source: Path, top: Path, path: str) -> None:
    """Make a writable snapshot at a path below another subvolume, without following links; its parent must be there."""
    parent, _, name = os.fsencode(path).rpartition(b"/")
    with directory(source) as descriptor, directory(top) as root, beneath(root, parent) as place:
        _put(descriptor, place, name)


def protect_nested(top: Path, path: str) -> None:
    """Make a subvolume below another one read-only, without following links."""
    with directory(top) as root, beneath(root, os.fsencode(path)) as descriptor:
        _set_flag(descriptor, is_read_only=True)


def delete_all(path: Path) -> None:
    """Remove a subvolume with all nested ones. Idempotent. Space comes back in the background."""
    if not is_subvolume(path):
        return
    with directory(path) as root:
        nested_paths = _nested(root)
        for opened in (
            (b"", *nested_paths) if nested_paths else ()
        ):  # only for them: each change of the flag is a commit
            with beneath(root, opened) as subvolume:
                _set_flag(subvolume, is_read_only=False)
        for below in reversed(nested_paths):
            parent, _, name = below.rpartition(b"/")
            with beneath(root, parent) as here:
                _destroy(here, name)
    with directory(path.parent) as parent_directory:
        _destroy(parent_directory, os.fsencode(path.name))


def nested(path: Path) -> list[Path]:
    """Return the subvolumes below one, relative to it, parents before children."""
    with directory(path) as root:
        return [Path(os.fsdecode(below)) for below in _nested(root)]


def is_read_only(path: Path) -> bool:
    """Tell whether a subvolume is read-only."""
    with directory(path) as descriptor:
        return bool(_flags(descriptor) & _READ_ONLY)


def set_read_only(path: Path, *, is_read_only: bool) -> None:
    """Protect a subvolume, or open it for writing. Idempotent."""
    with directory(path) as descriptor:
        _set_flag(descriptor, is_read_only=is_read_only)


def identity(path: Path) -> uuid.UUID:
    """Return the subvolume's own UUID: kept by rename and remount, new for each snapshot."""
    return uuid.UUID(bytes=_info(path)[296:312])


def received_identity(path: Path) -> tuple[uuid.UUID, int] | None:
    """Return the UUID and the transaction that a received subvolume had at its sender; None for one that wasn't."""
    info = _info(path)
    found = uuid.UUID(bytes=info[328:344])
    return (found, int.from_bytes(info[360:368], "little")) if found.int else None


def sent_identity(path: Path) -> tuple[uuid.UUID, int]:
    """Return the UUID and the transaction that stand in a stream of this subvolume: those it was received with, or its
    own.
    """
    info = _info(path)
    return received_identity(path) or (identity(path), int.from_bytes(info[344:352], "little"))


def can_differ(one: Path, other: Path) -> bool:
    """Tell whether `btrfs send -p` can make one of the two a difference to the other.

    It holds files with the same number that were made in the same transaction for the same file. So both must go back
    to one subvolume by snapshots, whatever of what was between has gone since: each snapshot has the top directory of
    what it is of, made in the same transaction at the same nanosecond. And where each went its own way since then, as
    two instances of one image, no number may stand for two files: what is sent then can't be received, or is wrong.
    """
    return _origin(one) == _origin(other) and not _is_number_of_two(one, other)


def set_received_identity(path: Path, sent: tuple[uuid.UUID, int]) -> None:
    """Say of a writable subvolume that it is what a sender has; it must hold that, and be made read-only next."""
    arguments = bytearray(200)
    struct.pack_into("<16sQ", arguments, 0, sent[0].bytes, sent[1])
    with directory(path) as descriptor:
        fcntl.ioctl(descriptor, _SET_RECEIVED, arguments)


def take_received(source: Path, target: Path, *, is_kept: bool) -> None:
    """Move a received subvolume to another directory: kept as it came, or writable and a subvolume like any other.

    The kernel moves no read-only one. Unlike a snapshot this waits for no data, and what is in memory stays there.
    """
    sent = received_identity(source) if is_kept else None
    set_read_only(source, is_read_only=False)
    source.rename(target)
    set_received_identity(target, sent or _NOBODY)
    set_read_only(target, is_read_only=is_kept)


def tree_id(path: Path) -> int:
    """Return the number of the subvolume's tree, that quota groups go by."""
    found: int = struct.unpack_from("<Q", _info(path))[0]
    return found


def commit(path: Path) -> None:
    """Put the whole file system of `path` on stable storage."""
    with directory(path) as descriptor:
        fcntl.ioctl(descriptor, _SYNC)


def _snapshot_nested(old: int, new: int, path: bytes) -> None:
    parent, _, name = path.rpartition(b"/")
    with beneath(old, path) as source, beneath(new, parent) as place:
        _put(source, place, name)


def _put(source: int, place: int, name: bytes) -> None:
    """Make a snapshot in a directory, whose times stay as they are."""
    facts = os.fstat(place)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=place)  # a snapshot shows a nested subvolume as an empty directory
    fcntl.ioctl(place, _SNAP_CREATE_V2, _arguments_v2(source, 0, name))
    os.utime(place, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _nested(root: int) -> list[bytes]:
    """Return the paths of all subvolumes below `root`, parents before children."""
    found: list[bytes] = []
    for child in sorted(_children(root)):
        found.append(child)
        with contextlib.suppress(FileNotFoundError), beneath(root, child) as descriptor:
            found.extend(child + b"/" + deeper for deeper in _nested(descriptor))
    return found


def _destroy(parent: int, name: bytes) -> None:
    fcntl.ioctl(parent, _SNAP_DESTROY, bytearray(struct.pack("<q4088s", 0, name)))


def _flags(descriptor: int) -> int:
    flags = bytearray(8)
    fcntl.ioctl(descriptor, _GET_FLAGS, flags)
    return int.from_bytes(flags, "little")


def _set_flag(descriptor: int, *, is_read_only: bool) -> None:
    before = _flags(descriptor)
    wanted = before | _READ_ONLY if is_read_only else before & ~_READ_ONLY
    if wanted != before:
        fcntl.ioctl(descriptor, _SET_FLAGS, wanted.to_bytes(8, "little"))


def _origin(path: Path) -> bytes:
    """Return the transaction in which the top directory was made, and when that was (12 bytes at the end)."""
    with directory(path) as descriptor:
        found = find_item(descriptor, tree_id(path), (SUBVOLUME_INODE, _INODE_ITEM, 0))
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return found[:8] + found[148:160]


def _is_number_of_two(one: Path, other: Path) -> bool:
    """Tell whether a number stands for a file in the one and for another file of the same transaction in the other.

    A file is known by the nanosecond in which it was made, and by its type. For snapshots of one subvolume only what
    was made since the earlier one is looked at.
    """
    infos = [_info(path) for path in (one, other)]
    parents = {info[_PARENT] for info in infos}
    made_in = [int.from_bytes(info[352:360], "little") for info in infos]
    since = min(made_in) if len(parents) == 1 and parents != {bytes(16)} else 0
    known: dict[int, bytes] = {}
    for path, is_first in ((one, True), (other, False)):
        with directory(path) as descriptor:
            for number, item in find_items(descriptor, tree_id(path), _INODE_ITEM, since=since):
                file = bytes(item[:8]) + bytes(item[148:160]) + bytes((item[53] & 0xF0,)) + bytes(item[56:64])
                if is_first:
                    known[number] = file
                    continue
                there = known.get(number, file)
                if there != file and there[:8] == file[:8]:
                    return True
    return False


def _info(path: Path) -> bytes:
    info = bytearray(504)
    with directory(path) as descriptor:
        fcntl.ioctl(descriptor, _GET_INFO, info)
    return bytes(info)


def _children(descriptor: int) -> list[bytes]:
    """Return the paths of the subvolumes that hang directly in one."""
    found: list[bytes] = []
    next_id = 0
    while True:
        references = bytearray(4096)
        struct.pack_into("<Q", references, 0, next_id)
        is_more = False
        try:
            fcntl.ioctl(descriptor, _GET_ROOTREF, references)
        except OSError as error:
            if error.errno != errno.EOVERFLOW:
                raise
            is_more = True
        count = _ROOTREFS if is_more else references[4088]
        for index in range(count):
            tree, directory = struct.unpack_from("<QQ", references, 8 + 16 * index)
            found.append(_path_of(descriptor, tree, directory))
            next_id = tree + 1
        if not is_more:
            return found


def _path_of(descriptor: int, tree: int, directory: int) -> bytes:
    lookup = bytearray(4096)
    struct.pack_into("<QQ", lookup, 0, directory, tree)
    fcntl.ioctl(descriptor, _LOOKUP_USER, lookup)
    name = bytes(lookup[16:272]).split(b"\0", 1)[0]
    parent = bytes(lookup[272:]).split(b"\0", 1)[0]
    return parent + name


def _arguments_v2(descriptor: int, flags: int, name: bytes) -> bytearray:
    return bytearray(struct.pack("<qQQ32x4040s", descriptor, 0, flags, name))
