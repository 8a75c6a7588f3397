"""Change the owners of a whole tree by a map of ids: users, groups, ACLs, file capabilities. No link is followed."""

from __future__ import annotations

import errno
import os
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory, join
from holdfast.host.walk import Walk

MapId = Callable[[int], int]

_ACLS: Final = ("system.posix_acl_access", "system.posix_acl_default")
_CAPABILITY: Final = "security.capability"
_USER, _GROUP = 0x02, 0x08
_CAPABILITY_V2, _CAPABILITY_V3, _REVISION_MASK = 0x02000000, 0x03000000, 0xFF000000
_ABSENT: Final = (errno.ENODATA, errno.ENOTSUP)


def shift_tree(path: Path, map_user: MapId, map_group: MapId) -> None:
    """Rewrite the directory `path` and every entry below. Not repeatable: work on a copy that can be dropped."""
    with directory(path.parent) as parent, directory(path) as root:
        shift = _Shift(root, map_user, map_group)
        shift.walk.run()
        shift.change(parent, path.name, os.fstat(root))


class _Shift:
    def __init__(self, root: int, map_user: MapId, map_group: MapId) -> None:
        self._root, self._user, self._group = root, map_user, map_group
        self._lock = threading.Lock()
        self._seen: set[tuple[int, int]] = set()
        self.walk = Walk(self._visit)

    def _visit(self, path: bytes) -> list[bytes]:
        below = []
        with beneath(self._root, path) as here, os.scandir(here) as entries:
            for entry in entries:
                self.walk.check()
                facts = entry.stat(follow_symlinks=False)
                if facts.st_nlink > 1 and not entry.is_dir(follow_symlinks=False) and not self._is_first(facts):
                    continue
                self.change(here, entry.name, facts)
                if entry.is_dir(follow_symlinks=False):
                    below.append(join(path, entry.name))
        return below

    def _is_first(self, facts: os.stat_result) -> bool:
        key = (facts.st_dev, facts.st_ino)
        with self._lock:
            is_new = key not in self._seen
            self._seen.add(key)
        return is_new

    def change(self, parent: int, name: str, facts: os.stat_result) -> None:
        """Give one entry its new owners; `chown` drops set-id bits and capabilities, so they come after."""
        path = f"/proc/self/fd/{parent}/{name}"
        attributes = {each: _attribute(path, each) for each in (*_ACLS, _CAPABILITY)}
        os.chown(path, self._user(facts.st_uid), self._group(facts.st_gid), follow_symlinks=False)
        if not stat.S_ISLNK(facts.st_mode):
            os.chmod(path, stat.S_IMODE(facts.st_mode))
        for key, value in attributes.items():
            if value is not None:
                mapped = self._mapped_capability(value) if key == _CAPABILITY else self._mapped_acl(value)
                os.setxattr(path, key, mapped, follow_symlinks=False)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns), follow_symlinks=False)

    def _mapped_acl(self, raw: bytes) -> bytes:
        out = [raw[:4]]
        for tag, permissions, owner in struct.iter_unpack("<HHI", raw[4:]):
            mapped = self._user(owner) if tag == _USER else self._group(owner) if tag == _GROUP else owner
            out.append(struct.pack("<HHI", tag, permissions, mapped))
        return b"".join(out)

    def _mapped_capability(self, raw: bytes) -> bytes:
        """Let the capability belong to the root of the new range; to plain root in the short form."""
        magic = struct.unpack("<I", raw[:4])[0]
        root = struct.unpack("<I", raw[20:24])[0] if magic & _REVISION_MASK == _CAPABILITY_V3 else 0
        mapped, flags = self._user(root), magic & ~_REVISION_MASK
        if mapped == 0:
            return struct.pack("<I", _CAPABILITY_V2 | flags) + raw[4:20]
        return struct.pack("<I", _CAPABILITY_V3 | flags) + raw[4:20] + struct.pack("<I", mapped)


def _attribute(path: str, name: str) -> bytes | None:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
