"""One entry of a tar archive as we think of it, and its bytes as we write them: POSIX pax, every field our own.

| offset | bytes | field              | offset | bytes | field               |
|--------|-------|--------------------|--------|-------|---------------------|
| 0      | 100   | name               | 156    | 1     | type                |
| 100    | 8     | mode (octal)       | 157    | 100   | link target         |
| 108    | 8     | uid                | 257    | 8     | "ustar" NUL "00"    |
| 116    | 8     | gid                | 265    | 64    | user and group name |
| 124    | 12    | size               | 329    | 16    | device major, minor |
| 136    | 12    | mtime              | 345    | 155   | name prefix         |
| 148    | 8     | sum of the header  |        |       |                     |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
"""The two zero blocks that end an archive."""

_SHOWN_CAP: Final = 300
_OCTAL_8: Final = 0o7777777
_OCTAL_12: Final = 0o77777777777


class Kind(Enum):
    """The types of entries that we take and make; the value is tar's type byte."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMLINK = b"2"
    CHARACTER_DEVICE = b"3"
    BLOCK_DEVICE = b"4"
    DIRECTORY = b"5"
    FIFO = b"6"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """An entry without its data. `name` has no trailing slash; `size_bytes` is what is stored behind the header.

    `records` are the pax records that say more: attributes, exact times, the map of a sparse file. `lead` stands before
    the stored data and is not part of `size_bytes` (the map of a sparse file that we rewrote).
    """

    name: bytes
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size_bytes: int = 0
    mtime_s: int = 0
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    records: Mapping[bytes, bytes] = field(default_factory=dict)
    lead: bytes = b""

    def encode(self) -> bytes:
        """Return the header blocks (pax records first, where some are needed) and `lead`; the data comes after."""
        size = self.size_bytes + len(self.lead)
        records = dict(self.records)
        name = self._stored_name()
        if len(name) > 100:
            records[b"path"] = name
        if len(self.target) > 100:
            records[b"linkpath"] = self.target
        for key, value, most in (
            (b"uid", self.uid, _OCTAL_8),
            (b"gid", self.gid, _OCTAL_8),
            (b"size", size, _OCTAL_12),
        ):
            if value > most:
                records[key] = b"%d" % value
        packed = b"".join(_record(key, records[key]) for key in sorted(records))
        extended = b""
        if packed:
            extended = _block(b"pax", b"x", 0o644, 0, 0, len(packed), 0, b"", (0, 0)) + packed + padding(len(packed))
        return extended + self._header(name, size) + self.lead

    def _stored_name(self) -> bytes:
        return self.name + b"/" if self.kind is Kind.DIRECTORY else self.name

    def _header(self, name: bytes, size: int) -> bytes:
        mtime_s = min(max(self.mtime_s, 0), _OCTAL_12)
        return _block(
            name[:100], self.kind.value, self.mode, self.uid, self.gid, size, mtime_s, self.target[:100], self.device
        )


def printable(name: bytes) -> str:
    """Return the name as it may stand in a message: one line, of bounded length."""
    text = name.decode(errors="backslashreplace")
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return shown if len(shown) <= _SHOWN_CAP else f"{shown[:_SHOWN_CAP]}…"


def padding(size: int) -> bytes:
    """Return the zeros that fill data of this size up to whole blocks."""
    return bytes(-size % BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    """Build `<length> <key>=<value>\\n`, where the length counts itself."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def _block(
    name: bytes,
    kind: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime_s: int,
    target: bytes,
    device: tuple[int, int],
) -> bytes:
    fields = [
        name.ljust(100, b"\0"),
        b"%07o\0" % (mode & 0o7777),
        b"%07o\0" % min(uid, _OCTAL_8),
        b"%07o\0" % min(gid, _OCTAL_8),
        b"%011o\0" % min(size, _OCTAL_12),
        b"%011o\0" % mtime_s,
        b"        ",
        kind,
        target.ljust(100, b"\0"),
        b"ustar\00000",
        bytes(64),
        b"%07o\0" % device[0],
        b"%07o\0" % device[1],
    ]
    header = b"".join(fields).ljust(BLOCK, b"\0")
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]
