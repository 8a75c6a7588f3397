"""The id map of a tree whose owners are those of the host (`volatile.last_state.idmap`), and the way back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from holdfast.model.errors import ArchiveError

NOBODY: Final = 65534
"""What the kernel shows for an id that the map doesn't hold."""
_ID_CAP: Final = 2**32 - 1
_TEXT_CAP: Final = 65536


@dataclass(frozen=True, slots=True)
class Range:
    """Ids `inside` … `inside + size` of the instance are `host` … `host + size` on the host."""

    is_uid: bool
    is_gid: bool
    host: int
    inside: int
    size: int


@dataclass(frozen=True, slots=True)
class HostMap:
    """Takes host ids back to those the instance sees."""

    ranges: tuple[Range, ...]

    def uid(self, host: int) -> int:
        return _back(host, [entry for entry in self.ranges if entry.is_uid])

    def gid(self, host: int) -> int:
        return _back(host, [entry for entry in self.ranges if entry.is_gid])


def parse_host_map(text: str) -> HostMap | None:
    """Read LXD's JSON list of ranges; an empty one, or none at all, says that the tree is not shifted."""
    if not text or len(text) > _TEXT_CAP:
        if text:
            raise ArchiveError("volatile.last_state.idmap is too long")
        return None
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArchiveError("volatile.last_state.idmap is not JSON") from error
    if not entries:
        return None
    if not isinstance(entries, list):
        raise ArchiveError("volatile.last_state.idmap is not a list")
    return HostMap(tuple(_range(entry) for entry in entries))


def _range(entry: object) -> Range:
    if not isinstance(entry, dict):
        raise ArchiveError("volatile.last_state.idmap holds something that is no range")
    numbers = [entry.get(key) for key in ("Hostid", "Nsid", "Maprange")]
    if not all(type(number) is int and 0 <= number <= _ID_CAP for number in numbers):
        raise ArchiveError("volatile.last_state.idmap holds a range without proper numbers")
    host, inside, size = (int(number) for number in numbers if type(number) is int)
    if inside + size > _ID_CAP + 1:
        raise ArchiveError("volatile.last_state.idmap holds a range beyond the last id")
    return Range(entry.get("Isuid") is True, entry.get("Isgid") is True, host, inside, size)


def _back(host: int, ranges: list[Range]) -> int:
    for entry in ranges:
        if entry.host <= host < entry.host + entry.size:
            return entry.inside + host - entry.host
    return NOBODY
