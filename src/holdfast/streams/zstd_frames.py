"""Tell whether a zstd stream ended where a frame ends; the decompressor itself takes a cut stream for a whole one.

| frame  | bytes                                                                       |
|--------|-----------------------------------------------------------------------------|
| normal | magic 28 b5 2f fd, descriptor, window 0-1, dictionary 0-4, size 0-8, blocks, checksum 0-4 |
| skip   | magic 5? 2a 4d 18, length (4, little endian), that many bytes                |
| block  | 3 bytes little endian: last (1 bit), type (2 bits: 1 = one repeated byte), size |
"""

from __future__ import annotations

from typing import Final

_MAGIC: Final = 0xFD2FB528
_SKIP_MAGIC: Final = 0x184D2A50
_DICTIONARY_BYTES: Final = (0, 1, 2, 4)
_SIZE_BYTES: Final = (0, 2, 4, 8)
_RUN_LENGTH: Final = 1


class FrameWalker:
    """Follows the frames of a stream that is fed in pieces; never keeps more than a header."""

    def __init__(self) -> None:
        self._step = self._magic
        self._needed = 4
        self._skip = 0
        self._held = bytearray()
        self._has_checksum = False
        self._at_boundary = True

    @property
    def is_complete(self) -> bool:
        """True when everything fed so far is a whole number of frames."""
        return self._at_boundary and not self._held and not self._skip

    def feed(self, data: bytes | memoryview) -> None:
        """Walk over the next bytes. Rubbish is left for the decompressor to complain about."""
        position, size = 0, len(data)
        while position < size:
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
                continue
            take = min(self._needed - len(self._held), size - position)
            self._held += data[position : position + take]
            position += take
            if len(self._held) == self._needed:
                header = bytes(self._held)
                self._held.clear()
                self._at_boundary = False
                self._step(header)

    def _magic(self, header: bytes) -> None:
        value = int.from_bytes(header, "little")
        if value & 0xFFFFFFF0 == _SKIP_MAGIC:
            self._step, self._needed = self._skip_length, 4
        elif value == _MAGIC:
            self._step, self._needed = self._descriptor, 1
        else:
            self._step, self._needed = self._magic, 4

    def _skip_length(self, header: bytes) -> None:
        self._end_frame(int.from_bytes(header, "little"))

    def _descriptor(self, header: bytes) -> None:
        flags = header[0]
        is_single = bool(flags & 0x20)
        size_code = flags >> 6
        size_bytes = 1 if is_single and size_code == 0 else _SIZE_BYTES[size_code]
        self._has_checksum = bool(flags & 0x04)
        self._skip = (0 if is_single else 1) + _DICTIONARY_BYTES[flags & 3] + size_bytes
        self._step, self._needed = self._block, 3

    def _block(self, header: bytes) -> None:
        value = int.from_bytes(header, "little")
        is_last, kind, size = bool(value & 1), (value >> 1) & 3, value >> 3
        stored = 1 if kind == _RUN_LENGTH else size
        if is_last:
            self._end_frame(stored + (4 if self._has_checksum else 0))
        else:
            self._skip = stored

    def _end_frame(self, left: int) -> None:
        self._skip = left
        self._at_boundary = True
        self._step, self._needed = self._magic, 4
