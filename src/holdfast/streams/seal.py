"""A check sum of the compressed bytes themselves, at the end of a gzip, zstd or bzip2 file: readers pass over it.

What comes out of a file can be whole although a bit of the file has changed: a repeat of zeros may be fetched from here
or from there. The seal finds that, too, and says that the file itself ends here.

| gzip: an empty member          | bytes                          | zstd: a frame to skip | bytes       |
|--------------------------------|--------------------------------|-----------------------|-------------|
| header with an extra field     | 1f 8b 08 04 00 00 00 00 00 03  | magic                 | 5f 2a 4d 18 |
| length of the field, name "HF" | 08 00 48 46 04 00              | length                | 08 00 00 00 |
| CRC-32 of all bytes before     | 4                              | name "HFCS"           | 48 46 43 53 |
| nothing, its CRC, its length   | 03 00, eight zeros             | CRC-32 of all before  | 4           |

bzip2 has no place for a number, but an empty member has a level, 1 to 9: eleven of them are the digits of the CRC-32 to
the base of nine, the lowest first. The other formats notice every change by themselves, or by what they unpack to.
"""

from __future__ import annotations

from typing import Final

from isal import isal_zlib

from holdfast.model.kinds import Compression
from holdfast.streams.copy import BUFFER_BYTES
from holdfast.streams.headed import Readable

_BZIP2_MEMBER: Final = b"BZh%d" + bytes.fromhex("177245385090 00000000")
_BZIP2_DIGITS: Final = 11
_PARTS: Final = {
    Compression.GZIP: (bytes.fromhex("1f8b0804000000000003 0800484604 00"), bytes.fromhex("0300 0000000000000000")),
    Compression.ZSTD: (bytes.fromhex("5f2a4d18 08000000 48464353"), b""),
}


class Seal:
    """Takes the compressed bytes of a file in order."""

    def __init__(self, kind: Compression) -> None:
        self._kind = kind
        self._sum = 0
        self.size_bytes = len(self.encode())
        """How long it is; 0 for a kind that has none."""

    def update(self, data: memoryview | bytes) -> None:
        self._sum = isal_zlib.crc32(data, self._sum)

    def encode(self) -> bytes:
        """Return what stands behind those bytes; nothing for a kind that has no seal."""
        if self._kind is Compression.BZIP2:
            digits = (self._sum // 9**place % 9 for place in range(_BZIP2_DIGITS))
            return b"".join(_BZIP2_MEMBER % (digit + 1) for digit in digits)
        if self._kind in _PARTS:
            before, after = _PARTS[self._kind]
            return before + self._sum.to_bytes(4, "little") + after
        return b""


class SealedInput:
    """A compressed file, maybe a pipe, whose bytes go past its seal when they are read."""

    def __init__(self, source: Readable, kind: Compression) -> None:
        self._source, self._seal = source, Seal(kind)
        self._position = 0
        self._held = b""
        """The last bytes, which may be the seal."""
        self.last_byte = b""

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self._pass(data)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def is_sealed(self) -> bool:
        """Read what is left of the file, and tell whether it ends with the seal of the bytes before it."""
        while self.read(BUFFER_BYTES):
            pass
        return self._held == self._seal.encode()

    def _pass(self, data: bytes) -> None:
        self.last_byte = data[-1:] or self.last_byte
        held = self._held + data
        end = max(len(held) - self._seal.size_bytes, 0)
        self._seal.update(held[:end])
        self._held = held[end:]
