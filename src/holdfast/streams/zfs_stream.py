"""The stream of `zfs send`: its frame is followed on the way in, and what it says of itself read before it is used.

| bytes            | what                                                                                        |
|------------------|---------------------------------------------------------------------------------------------|
| each record      | 312: 4 kind, 4 size of what follows (of the first one), 304 by kind; then data, by kind     |
| the first one    | at 8: 8 magic, 8 version and features, 8 time, 4 type, 4 flags, 8 id, 8 id of the base, 256 name |
| the last one     | kind 5, without data                                                                        |

Numbers are those of the sender's processor; only little endian ones are taken. A stream of several datasets, or with
properties, has another frame around it and is refused. The data's check sums are the receiver's to check. Source:
`sys/zfs_ioctl.h` of OpenZFS.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from holdfast.model.errors import ArchiveError
from holdfast.streams.copy import Sink, write_all

RECORD_BYTES: Final = 312
_KIND: Final = struct.Struct("<II")
_BEGIN: Final = struct.Struct("<QQQIIQQ256s")
_MAGIC: Final = 0x2F5BACBAC
_PLAIN, _FILES = 1, 2
"""The frame of a stream that is one dataset, and the type of a dataset that holds files."""
_REFUSED_FEATURES: Final = {
    1 << 0: "deduplicated",
    1 << 20: "the rest of a broken one",
    1 << 21: "redacted",
    1 << 24: "of an encrypted dataset, in its encrypted form",
}
_BEGINNING, _OBJECT, _WRITE, _END, _SPILL, _EMBEDDED = 0, 1, 3, 5, 7, 8
_WITHOUT_DATA: Final = frozenset({2, 4, 9, 10})
_DATA_CAP_BYTES: Final = 64 * 1024**2
"""The largest block of ZFS has 16 MiB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """What a stream says of itself: its snapshot's id and name, and the id of the one it is a difference to."""

    guid: str
    base_guid: str | None
    snapshot: str


class ReplayCheck:
    """Hands a stream on, in whole records; raises `ArchiveError` for what isn't the stream of one dataset of files.

    `begun` is told what the stream says of itself, and returns where it goes, before its first byte is handed on.
    """

    def __init__(self, begun: Callable[[Beginning], Sink]) -> None:
        self._begun = begun
        self._sink: Sink | None = None
        self._held = bytearray()
        self._data_left = 0
        self._is_ended = False

    def write(self, data: memoryview | bytes, /) -> int:
        view = memoryview(data)
        position = 0
        while position < len(view):
            if self._data_left:
                position += self._hand_on_data(view[position : position + self._data_left])
                continue
            wanted = RECORD_BYTES - len(self._held)
            self._held += view[position : position + wanted]
            position = min(position + wanted, len(view))
            if len(self._held) == RECORD_BYTES:
                self._take_record()
        return len(view)

    def finish(self) -> None:
        """Raise unless the stream came to its end."""
        if not self._is_ended or self._held or self._data_left:
            raise ArchiveError("A zfs stream in the backup ends too early")

    def _hand_on_data(self, data: memoryview) -> int:
        assert self._sink is not None
        write_all(self._sink, data)
        self._data_left -= len(data)
        return len(data)

    def _take_record(self) -> None:
        record = bytes(self._held)
        self._held.clear()
        if self._is_ended:
            raise ArchiveError("A zfs stream in the backup goes on after its end")
        if self._sink is None:
            self._sink = self._begun(beginning_of(record))
            self._data_left = 0
        else:
            self._data_left = _data_bytes(record)
            self._is_ended = _KIND.unpack_from(record)[0] == _END
        write_all(self._sink, record)


def beginning_of(record: bytes) -> Beginning:
    """Read the first record of a stream; raise `ArchiveError` for one that this server doesn't take."""
    kind, payload = _KIND.unpack_from(record)
    magic, version, _, type_, _, guid, base, name = _BEGIN.unpack_from(record, _KIND.size)
    if kind != _BEGINNING or magic != _MAGIC:
        raise ArchiveError("A zfs stream in the backup is damaged, or of another kind of processor")
    if version & 3 != _PLAIN or payload:
        raise ArchiveError("A zfs stream in the backup holds several datasets or properties: only plain ones are taken")
    for feature, what in _REFUSED_FEATURES.items():
        if version >> 2 & feature:
            raise ArchiveError(f"A zfs stream in the backup is {what}: that can't be received")
    if type_ != _FILES:
        raise ArchiveError("A zfs stream in the backup is none of a file system")
    snapshot = name.split(b"\0", 1)[0].rpartition(b"@")[2].decode(errors="replace")
    return Beginning(guid=str(guid), base_guid=str(base) if base else None, snapshot=snapshot)


def _data_bytes(record: bytes) -> int:
    """Return how many bytes of data stand behind a record."""
    (kind,) = struct.unpack_from("<I", record)
    size = 0
    if kind == _OBJECT:
        raw = _word(record, 36)
        size = raw or _rounded(_word(record, 28))
    elif kind == _WRITE:
        size = _long(record, 96) if record[50] else _long(record, 32)
    elif kind == _SPILL:
        size = _long(record, 40) or _long(record, 16)
    elif kind == _EMBEDDED:
        size = _rounded(_word(record, 52))
    elif kind != _END and kind not in _WITHOUT_DATA:
        raise ArchiveError("A zfs stream in the backup is damaged")
    if size > _DATA_CAP_BYTES:
        raise ArchiveError("A zfs stream in the backup is damaged")
    return size


def _word(record: bytes, position: int) -> int:
    return int.from_bytes(record[position : position + 4], "little")


def _long(record: bytes, position: int) -> int:
    return int.from_bytes(record[position : position + 8], "little")


def _rounded(size: int) -> int:
    return -(-size // 8) * 8
