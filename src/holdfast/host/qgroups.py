"""btrfs quota groups of subvolumes: a limit on what one refers to. On only in pools where a size was asked for, as the
bookkeeping makes snapshots and their removal slower with each snapshot that there is."""

from __future__ import annotations

import errno
import fcntl
import struct
from pathlib import Path
from typing import Final

from holdfast.host import subvolumes
from holdfast.host.beneath import directory
from holdfast.host.btrfs_items import find_item

_QUOTA_CTL: Final = 0xC0109428
_QUOTA_RESCAN_WAIT: Final = 0x942E
_QGROUP_LIMIT: Final = 0x8030942B
_ENABLE: Final = 1
_MAX_REFERENCED: Final = 1
_NO_LIMIT: Final = 2**64 - 1
_QUOTA_TREE: Final = 8
_INFO_KEY: Final = 242
_NOT_ENABLED: Final = (errno.ENOTCONN, errno.EINVAL, errno.ENOENT)


def set_limit(subvolume: Path, size_bytes: int | None) -> None:
    """Limit the bytes a subvolume refers to; None takes the limit away. Switches quotas on when they are needed."""
    if size_bytes is None:
        try:
            _limit(subvolume, _NO_LIMIT)
        except OSError as error:
            if error.errno not in _NOT_ENABLED:
                raise
        return
    try:
        _limit(subvolume, size_bytes)
    except OSError as error:
        if error.errno not in _NOT_ENABLED:
            raise
        _enable(subvolume)
        _limit(subvolume, size_bytes)


def used_bytes(subvolume: Path) -> int | None:
    """Return the bytes a subvolume refers to, as of the last commit; None where quotas are off."""
    with directory(subvolume) as descriptor:
        try:
            found = find_item(descriptor, _QUOTA_TREE, (0, _INFO_KEY, subvolumes.tree_id(subvolume)))
        except OSError as error:
            if error.errno in _NOT_ENABLED:
                return None
            raise
    return None if found is None else int.from_bytes(found[8:16], "little")


def _limit(subvolume: Path, size_bytes: int) -> None:
    """Ask by the directory that the subvolume is in: by itself the kernel refuses where more is used than the limit."""
    with directory(subvolume.parent) as descriptor:
        limit = struct.pack("<6Q", subvolumes.tree_id(subvolume), _MAX_REFERENCED, size_bytes, 0, 0, 0)
        fcntl.ioctl(descriptor, _QGROUP_LIMIT, bytearray(limit))


def _enable(subvolume: Path) -> None:
    with directory(subvolume) as descriptor:
        fcntl.ioctl(descriptor, _QUOTA_CTL, bytearray(struct.pack("<2Q", _ENABLE, 0)))
        fcntl.ioctl(descriptor, _QUOTA_RESCAN_WAIT)
