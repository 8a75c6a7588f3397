"""The stream of `btrfs send`, version 1: its frame is checked on the way in, its size known before it is made.

| bytes            | what                                                                                        |
|------------------|---------------------------------------------------------------------------------------------|
| 13               | "btrfs-stream" NUL                                                                          |
| 4                | version (little endian, as all numbers)                                                     |
| each command     | 4 size of the data, 2 command, 4 check sum; then attributes: 2 type, 2 size, value          |

The first command makes the subvolume, the last one is the end. Source: `fs/btrfs/send.h` of Linux.
"""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Final

from holdfast.model.errors import ArchiveError
from holdfast.streams.btrfs_set_ids import CHMOD, FOLLOWED, MODE, PATH, Files, SetIds
from holdfast.streams.copy import Sink, write_all

MAGIC: Final = b"btrfs-stream\0"
_HEAD_BYTES: Final = len(MAGIC) + 4
_COMMAND: Final = struct.Struct("<IHI")
_ATTRIBUTE: Final = struct.Struct("<HH")
_COMMAND_CAP_BYTES: Final = 128 * 1024
"""The kernel builds commands in a buffer of 64 KiB."""
_SUBVOLUME, _SNAPSHOT, _WRITE, _CLONE, _END, _UPDATE_EXTENT = 1, 2, 15, 16, 21, 22
_COMMANDS: Final = range(1, 23)
_SYMLINK: Final = 8
_SIZE, _PATH, _NEW_PATH, _LINK_PATH, _SOURCE_PATH = 4, 15, 16, 17, 22
_CLONE_UUID: Final = 20
_PATHS: Final = frozenset({_PATH, _NEW_PATH, _LINK_PATH, _SOURCE_PATH})
_WRITE_BYTES: Final = 48 * 1024
"""How much of a file the kernel puts into one command."""
_WRITE_OVERHEAD_BYTES: Final = _COMMAND.size + 3 * _ATTRIBUTE.size + 8
"""A write: path, offset (8 bytes) and data."""


class SendStreamCheck:
    """Hands a stream on, one whole command after the other; raises `ArchiveError` for what no sender makes.

    Paths are relative and have no `..`, there is one subvolume of the given name (None: any name), and the end is the
    end.
    `bases` says which subvolume here stands for which of the sender's that the stream builds on, by their UUIDs.
    `files` gives those with set-id bits of one here, which the stream may lack: see `btrfs_set_ids.py`.
    `wrote` is told the path, with the subvolume's name, and the size of each piece of a file, before it is handed on.
    """

    def __init__(
        self,
        sink: Sink,
        name: str | None,
        bases: Mapping[uuid.UUID, uuid.UUID] | None = None,
        files: Callable[[uuid.UUID], Files] = lambda _: {},
        wrote: Callable[[bytes, int], None] = lambda *_: None,
    ) -> None:
        self._sink, self._name = sink, None if name is None else name.encode()
        self._bases = {one.bytes: other.bytes for one, other in (bases or {}).items()}
        self._files, self._set_ids, self._wrote = files, SetIds(dict), wrote
        self._held = bytearray()
        self._end_at: int | None = None
        """Where the last command begins in what is held."""
        self._has_head = self._has_subvolume = self._is_ended = False
        self._path = b""
        """The last one that was looked at: a large file has many commands."""

    def write(self, data: memoryview | bytes, /) -> int:
        self._held += data
        used = 0
        if not self._has_head and len(self._held) >= _HEAD_BYTES:
            self._head()
            used = _HEAD_BYTES
        if self._has_head:
            used = self._commands(used)
        if used:
            with memoryview(self._held) as held:
                self._hand_on(held[:used])
            del self._held[:used]
        return len(data)

    def finish(self) -> None:
        """Raise unless the stream came to its end."""
        if not self._is_ended or self._held:
            raise ArchiveError("A btrfs stream in the backup ends too early")

    def _hand_on(self, whole: memoryview) -> None:
        with whole:
            if self._end_at is None:
                write_all(self._sink, whole)
                return
            write_all(self._sink, whole[: self._end_at])
            for path, mode in self._set_ids.missing().items():
                write_all(self._sink, _chmod(path, mode))
            write_all(self._sink, whole[self._end_at :])

    def _head(self) -> None:
        version = int.from_bytes(self._held[len(MAGIC) : _HEAD_BYTES], "little")
        if not self._held.startswith(MAGIC) or version != 1:
            raise ArchiveError("A btrfs stream in the backup is damaged, or of a version that is not supported")
        self._has_head = True

    @property
    def name(self) -> str:
        """Return what the stream calls its subvolume; known once that was made."""
        return os.fsdecode(self._name or b"")

    def _commands(self, position: int) -> int:
        """Look at the whole commands that are there; return where the next one begins."""
        view = memoryview(self._held)
        try:
            while len(view) - position >= _COMMAND.size:
                size, command, _ = _COMMAND.unpack_from(view, position)
                if size > _COMMAND_CAP_BYTES or command not in _COMMANDS or self._is_ended:
                    raise ArchiveError("A btrfs stream in the backup is damaged")
                end = position + _COMMAND.size + size
                if end > len(view):
                    break
                self._look(command, view[position + _COMMAND.size : end])
                if self._bases and command in (_SNAPSHOT, _CLONE):
                    self._translate(view[position:end])
                self._follow(command, view[position + _COMMAND.size : end])
                if self._is_ended:
                    self._end_at = position
                position = end
        finally:
            view.release()
        return position

    def _look(self, command: int, data: memoryview) -> None:
        if (command in (_SUBVOLUME, _SNAPSHOT)) == self._has_subvolume:
            raise ArchiveError("A btrfs stream in the backup does not hold exactly one subvolume")
        self._is_ended = command == _END
        for kind, value in _attributes(data):
            if kind == _PATH and not self._has_subvolume:
                if self._name is None and bytes(value) not in (b"", b".", b"..") and b"/" not in bytes(value):
                    self._name = bytes(value)
                if bytes(value) != self._name:
                    raise ArchiveError("A btrfs stream in the backup makes a subvolume of another name")
            elif kind in _PATHS and value != self._path and (kind != _LINK_PATH or command != _SYMLINK):
                self._path = bytes(value)
                if not _is_inside(self._path):
                    raise ArchiveError("A btrfs stream in the backup leads out of its subvolume")
        self._has_subvolume = True

    def _follow(self, command: int, data: memoryview) -> None:
        """Take note of what becomes of files with set-id bits."""
        if command == _SNAPSHOT:
            base = _values(data).get(_CLONE_UUID, b"")
            if base in self._bases.values():
                self._set_ids = SetIds(lambda: self._files(uuid.UUID(bytes=base)))
        elif command == _WRITE:
            self._wrote(b"%b/%b" % (self._name or b"", self._path), len(data))
        else:
            self._set_ids.follow(command, _values(data) if command in FOLLOWED else {})

    def _translate(self, command: memoryview) -> None:
        """Name the subvolume here in the place of the sender's, and make the check sum anew."""
        for kind, value in _attributes(command[_COMMAND.size :]):
            if kind == _CLONE_UUID and bytes(value) in self._bases:
                value[:] = self._bases[bytes(value)]
        command[6:10] = bytes(4)
        command[6:10] = _crc32c(command).to_bytes(4, "little")


def full_size(bare: IO[bytes]) -> int:
    """Return the size that a stream will have, from the one that `btrfs send --no-data` makes of the same."""
    head = bare.read(_HEAD_BYTES)
    total = len(head)
    while head := bare.read(_COMMAND.size):
        size, command, _ = _COMMAND.unpack(head)
        data = bare.read(size)
        total += _data_size(data) if command == _UPDATE_EXTENT else len(head) + size
    return total


def _data_size(data: bytes) -> int:
    """Return what the writes take that stand behind an extent without data."""
    values = _values(memoryview(data))
    whole, rest = divmod(int.from_bytes(values[_SIZE], "little"), _WRITE_BYTES)
    each = _WRITE_OVERHEAD_BYTES + len(values[_PATH])
    return whole * (each + _WRITE_BYTES) + (each + rest if rest else 0)


def _chmod(path: bytes, mode: int) -> bytes:
    """Return a command as the kernel makes it."""
    values = ((PATH, path), (MODE, mode.to_bytes(8, "little")))
    data = b"".join(_ATTRIBUTE.pack(kind, len(value)) + value for kind, value in values)
    command = bytearray(_COMMAND.pack(len(data), CHMOD, 0) + data)
    command[6:10] = _crc32c(memoryview(command)).to_bytes(4, "little")
    return bytes(command)


def _crc32c(data: memoryview) -> int:
    """Return the check sum that the kernel makes of a command, with its field for it zero: begun and ended plainly."""
    value = 0
    for byte in data:
        value = _CRC_TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value


def _crc_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC_TABLE: Final = tuple(_crc_entry(byte) for byte in range(256))


def _attributes(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    position = 0
    while position < len(data):
        if position + _ATTRIBUTE.size > len(data):
            raise ArchiveError("A btrfs stream in the backup has a damaged command")
        kind, size = _ATTRIBUTE.unpack_from(data, position)
        position += _ATTRIBUTE.size
        if position + size > len(data):
            raise ArchiveError("A btrfs stream in the backup has a damaged command")
        yield kind, data[position : position + size]
        position += size


def _values(data: memoryview) -> dict[int, bytes]:
    return {kind: bytes(value) for kind, value in _attributes(data)}


def _is_inside(path: bytes) -> bool:
    return not path.startswith(b"/") and b".." not in path.split(b"/") and b"\0" not in path
