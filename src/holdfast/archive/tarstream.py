"""Read a tar archive entry by entry: ustar, pax and GNU headers, checked and bounded. Never touches a file system.

Everything that this module can't make sense of is an `ArchiveError`: bad sums, numbers, records, types and lengths, and
an archive that stops before its end mark.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Protocol

from holdfast.archive.members import BLOCK, Kind, Member, padding, printable
from holdfast.model.errors import ArchiveError
from holdfast.streams.compression import MAGIC_BYTES, DecompressedReader, detect
from holdfast.streams.copy import Sink, write_all
from holdfast.streams.headed import Headed, Readable

_EXTENDED_CAP_BYTES: Final = 1024 * 1024
_SMALL_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 256 * 1024
"""Much of what is read is copied once more, which takes a tenth less from the processor's own cache."""
_TRAILER_CAP_BYTES: Final = 64 * 1024 * 1024
_SPARSE_ENTRIES_CAP: Final = 1_000_000
_SPARSE_CAP_BYTES: Final = 2**44
"""16 TiB, the largest file on ext4; a log of last logins may well claim more than a terabyte."""
_ID_CAP: Final = 2**32 - 2
_SIZE_CAP: Final = 2**60
_KINDS: Final = {kind.value: kind for kind in Kind} | {b"\0": Kind.FILE, b"7": Kind.FILE, b"S": Kind.FILE}
_TEXT_KEYS: Final = (b"mtime", b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.realsize", b"GNU.sparse.size")
_KEPT_KEYS: Final = {*_TEXT_KEYS, b"GNU.sparse.numblocks", b"GNU.sparse.map"}
_KEPT_PREFIXES: Final = (b"SCHILY.xattr.", b"SCHILY.acl.")
_BLANK: Final = b"\0 \t\n\r\v\f"
"""What stands around numbers."""
_DIGITS: Final = frozenset(b"0123456789.,-")


@dataclass(slots=True)
class _Pending:
    """What extended headers said about the entry that follows, and how large they were together."""

    records: dict[bytes, bytes]
    size_bytes: int = 0
    long_name: bytes | None = None
    long_target: bytes | None = None


class Tap(Protocol):
    """Sees every byte up to the end mark: the headers of an entry, then its data with the padding."""

    def header(self, data: bytes, /) -> None: ...
    def data(self, data: memoryview | bytes, /) -> None: ...


class TarStream:
    """Iterate over the members; between two of them `copy_data` may be called once, else the data is skipped."""

    def __init__(self, source: io.RawIOBase, tap: Tap | None = None) -> None:
        self._source = io.BufferedReader(source, _PIECE_BYTES)
        self._tap = tap
        self._buffer = memoryview(bytearray(_PIECE_BYTES))
        """Where data passes: a new place for each piece would cost more than the reading."""
        self._left = 0
        self._padding = 0
        self.trailing_bytes = 0
        """How many zeros came after the end mark; known when the iteration has ended."""

    def __iter__(self) -> Iterator[Member]:
        """Yield each member up to the end mark, then make sure that the rest is only padding."""
        pending = _Pending({})
        while True:
            self._skip_data()
            header = self._exactly(BLOCK)
            if not header.strip(b"\0"):
                if pending.records or pending.long_name is not None:
                    raise ArchiveError("The archive ends after an extended header")
                self._finish()
                return
            kind = header[156:157]
            if kind in (b"x", b"g", b"L", b"K"):
                self._extend(pending, kind, header)
                continue
            member, self._left = self._member(header, pending)
            self._padding = -self._left % BLOCK
            pending = _Pending({})
            yield member

    def read_data(self, cap_bytes: int, what: str) -> bytes:
        """Return the current member's data, refusing more than the cap."""
        if self._left > cap_bytes:
            raise ArchiveError(f"{what} is larger than {cap_bytes} bytes")
        data = self._data(self._left)
        self._left = 0
        return data

    def read_padding(self) -> bytes:
        """Return what stands behind the current member's data, up to a whole block; nobody looks at it but this."""
        size, self._padding = self._padding, 0
        return self._data(size)

    def copy_data(self, sink: Sink) -> int:
        """Copy the current member's data with its padding up to whole blocks."""
        total = self._left
        while self._left:
            piece = self._piece(self._left, "The archive ends in the middle of a file")
            write_all(sink, piece)
            self._left -= len(piece)
        write_all(sink, padding(total))
        return total

    def _exactly(self, size: int) -> bytes:
        data = self._taken(size)
        if self._tap is not None:
            self._tap.header(data)
        return data

    def _data(self, size: int) -> bytes:
        data = self._taken(size)
        if self._tap is not None:
            self._tap.data(data)
        return data

    def _taken(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) != size:
            raise ArchiveError("The archive ends too early: it has no end mark")
        return data

    def _piece(self, left: int, early: str) -> memoryview:
        """Return some of so many bytes of data, until the next call; raise `ArchiveError` where none come."""
        count = self._source.readinto1(self._buffer[: min(left, _PIECE_BYTES)])
        if not count:
            raise ArchiveError(early)
        piece = self._buffer[:count]
        if self._tap is not None:
            self._tap.data(piece)
        return piece

    def _skip_data(self) -> None:
        left = self._left + self._padding
        self._left = self._padding = 0
        while left > _SMALL_BYTES:
            left -= len(self._piece(left, "The archive ends too early: it has no end mark"))
        if left:
            self._data(left)

    def _finish(self) -> None:
        """Read to the end of the stream, so that the compression's own check sums are checked too."""
        if self._exactly(BLOCK).strip(b"\0"):
            raise ArchiveError("The archive's end mark is damaged")
        while data := self._source.read(_PIECE_BYTES):
            self.trailing_bytes += len(data)
            if data.strip(b"\0") or self.trailing_bytes > _TRAILER_CAP_BYTES:
                raise ArchiveError("The archive goes on after its end mark")

    def _extend(self, pending: _Pending, kind: bytes, header: bytes) -> None:
        _check_sum(header)
        size = _number(header[124:136], _SIZE_CAP)
        pending.size_bytes += BLOCK + size
        if pending.size_bytes > _EXTENDED_CAP_BYTES + BLOCK:
            raise ArchiveError(f"An entry's extended header is larger than {_EXTENDED_CAP_BYTES} bytes")
        data = self._exactly(size)
        self._exactly(-size % BLOCK)
        if kind == b"L":
            pending.long_name = data.rstrip(b"\0")
        elif kind == b"K":
            pending.long_target = data.rstrip(b"\0")
        elif kind == b"x":
            pending.records.update(_records(data))
        elif set(_records(data)) - {b"comment"}:
            raise ArchiveError("Global extended headers are not supported")

    def _member(self, header: bytes, pending: _Pending) -> tuple[Member, int]:
        _check_sum(header)
        records = pending.records
        kind = _KINDS.get(header[156:157])
        if kind is None:
            raise ArchiveError(f"Entries of type {header[156:157]!r} are not supported")
        name = records.get(b"GNU.sparse.name") or records.get(b"path") or pending.long_name or _header_name(header)
        if kind is Kind.FILE and name.endswith(b"/"):
            kind = Kind.DIRECTORY
        size = _value(records, b"size", header[124:136], _SIZE_CAP)
        stored = size if kind is Kind.FILE else 0
        is_device = kind in (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE)
        target = b""
        if kind in (Kind.SYMLINK, Kind.HARD_LINK):
            target = _checked_text(records.get(b"linkpath") or pending.long_target or _text(header[157:257]))
        member = Member(
            name=_checked_text(name.rstrip(b"/") or name),
            kind=kind,
            mode=_number(header[100:108], 2**31) & 0o7777,
            uid=_value(records, b"uid", header[108:116], _ID_CAP),
            gid=_value(records, b"gid", header[116:124], _ID_CAP),
            size_bytes=stored,
            mtime_s=_number(header[136:148], 2**62, allow_negative=True),
            target=target,
            device=(_number(header[329:337], 2**20), _number(header[337:345], 2**20)) if is_device else (0, 0),
            records=_kept(records),
        )
        if header[156:157] == b"S":
            member = self._with_sparse_map(member, header)
        return member, stored

    def _with_sparse_map(self, member: Member, header: bytes) -> Member:
        """Turn GNU's old sparse format into pax 1.0: the map stands as text before the data."""
        if any(key.startswith(b"GNU.sparse.") for key in member.records):
            raise ArchiveError("A sparse file has two maps")
        spans = [header[386 + 24 * n : 410 + 24 * n] for n in range(4)]
        more = header[482:483]
        while more not in (b"\0", b""):
            extension = self._exactly(BLOCK)
            spans += [extension[24 * n : 24 * n + 24] for n in range(21)]
            more = extension[504:505]
            if len(spans) > _SPARSE_ENTRIES_CAP:
                raise ArchiveError("A sparse file has too many pieces")
        numbers = [
            (_number(span[:12], _SIZE_CAP), _number(span[12:], _SIZE_CAP)) for span in spans if span.strip(b"\0")
        ]
        lines = b"%d\n" % len(numbers) + b"".join(b"%d\n%d\n" % pair for pair in numbers)
        sparse = {
            b"GNU.sparse.major": b"1",
            b"GNU.sparse.minor": b"0",
            b"GNU.sparse.realsize": b"%d" % _number(header[483:495], _SPARSE_CAP_BYTES),
        }
        return replace(member, records={**member.records, **sparse}, lead=lines + padding(len(lines)))


def open_tar(source: Readable, limit_bytes: int | None = None, tap: Tap | None = None) -> TarStream:
    """Return the archive in a file or pipe that stands at its beginning, plain or compressed."""
    headed = Headed(source, MAGIC_BYTES)
    return TarStream(DecompressedReader(headed, detect(headed.head), limit_bytes), tap)


def _records(data: bytes) -> dict[bytes, bytes]:
    """Parse `<length> <key>=<value>\\n` records; the last of a key counts, as POSIX says."""
    found: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        length_text = data[position:space] if space > 0 else b""
        if not length_text.isdigit():
            raise ArchiveError("An extended header has a record without a length")
        end = position + int(length_text)
        record = data[space + 1 : end]
        key, equals, value = record.partition(b"=")
        if end > len(data) or end <= space or not record.endswith(b"\n") or not equals or not key or b"\0" in key:
            raise ArchiveError("An extended header has a damaged record")
        found[key] = value[:-1]
        position = end
    return found


def _kept(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Keep what restores the entry; names, ids and sizes are fields of ours, the rest is of no use here."""
    if not records:
        return records
    if b"GNU.sparse.offset" in records or b"GNU.sparse.numbytes" in records:
        raise ArchiveError("Sparse files of pax format 0.0 are not supported")
    kept = {key: value for key, value in records.items() if key in _KEPT_KEYS or key.startswith(_KEPT_PREFIXES)}
    for key, value in kept.items():
        if key in _KEPT_KEYS and not (value and _DIGITS.issuperset(value)):
            raise ArchiveError(f"The record {key.decode()} is not a number")
    _check_sparse(kept)
    return kept


def _check_sparse(kept: dict[bytes, bytes]) -> None:
    """Refuse a claimed size or a map that no honest writer makes (the map of format 1.0 stands in the data)."""
    claimed = kept.get(b"GNU.sparse.realsize", kept.get(b"GNU.sparse.size", b"0"))
    if not claimed.isdigit() or len(claimed) > 20 or int(claimed) > _SPARSE_CAP_BYTES:
        raise ArchiveError(f"A sparse file is larger than {_SPARSE_CAP_BYTES} bytes")
    if (text := kept.get(b"GNU.sparse.map")) is not None:
        numbers = text.split(b",")
        if len(numbers) % 2 or not all(number.isdigit() and len(number) <= 20 for number in numbers):
            raise ArchiveError("A sparse file has a damaged map")
        ends = [0, *(int(offset) + int(size) for offset, size in zip(numbers[::2], numbers[1::2], strict=True))]
        if any(after < before for before, after in pairwise(ends)) or ends[-1] > int(claimed):
            raise ArchiveError("A sparse file has a damaged map")


def _check_sum(header: bytes) -> None:
    expected = _number(header[148:156], 2**31)
    if expected != sum(header) - sum(header[148:156]) + 8 * 32:
        raise ArchiveError("A header's check sum is wrong: the archive is damaged or not a tar file")


def _number(raw: bytes, most: int, *, allow_negative: bool = False) -> int:
    """Read octal text or GNU's base-256."""
    if raw[0] & 0x80:
        value = int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
        if raw[0] == 0xFF:
            value -= 1 << (8 * len(raw) - 1)
    else:
        text = raw.strip(_BLANK)
        if text and (not text.isdigit() or b"8" in text or b"9" in text):
            raise ArchiveError("A header's number is not octal")
        value = int(text or b"0", 8)
    if value > most or (value < 0 and not allow_negative):
        raise ArchiveError("A header's number is out of range")
    return value


def _value(records: dict[bytes, bytes], key: bytes, raw: bytes, most: int) -> int:
    text = records.get(key)
    if text is None:
        return _number(raw, most)
    if not text.isdigit() or len(text) > 20 or int(text) > most:
        raise ArchiveError(f"The record {key.decode()} is out of range")
    return int(text)


def _header_name(header: bytes) -> bytes:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _text(raw: bytes) -> bytes:
    return raw.split(b"\0", 1)[0]


def _checked_text(name: bytes) -> bytes:
    if not name or b"\0" in name or len(name) > 4095:
        shown = f': "{printable(name)}"' if name else ""
        raise ArchiveError(f"An entry's name or link target is empty, too long or holds a zero byte{shown}")
    return name
