"""XXH3 sums of a stream in pieces of one size, so that damage is not only found but found where it is.

| piece of          | sum (XXH3, 128 bits)                                |
|-------------------|-----------------------------------------------------|
| 4 MiB (or a rest) | of its bytes                                        |
| twice as much     | of the sums of its two halves, one behind the other |

A stream of more than `_MOST_PIECES` pieces gets larger ones: whatever its size, the list is short. XXH3 takes some
20 ms for a GiB where SHA-256 takes 600 (measured on the machine of the benchmarks): an export that keeps both cores
busy would be a tenth slower. These sums find accidents; they are no signature, and no sum inside a file could be one.
"""

from __future__ import annotations

from typing import Final

from xxhash import xxh3_128

BASE_PIECE_BYTES: Final = 4 * 1024 * 1024
_MOST_PIECES: Final = 8192
"""32 GiB in pieces of 4 MiB; the sums as text take a quarter of a MiB."""


class PieceHasher:
    """Takes a stream's bytes in order; one thread at a time."""

    def __init__(self) -> None:
        self.piece_bytes = BASE_PIECE_BYTES
        self.position = 0
        self._sums: list[bytes] = []
        """Of whole pieces of `piece_bytes`."""
        self._parts: list[tuple[int, bytes]] = []
        """Of whole smaller pieces after those with their sizes, each at most half as large as the one before."""
        self._current = xxh3_128()
        self._filled = 0

    def update(self, data: memoryview | bytes | bytearray) -> None:
        left = memoryview(data)
        self.position += len(left)
        while left:
            part = left[: BASE_PIECE_BYTES - self._filled]
            self._current.update(part)
            self._filled += len(part)
            left = left[len(part) :]
            if self._filled == BASE_PIECE_BYTES:
                self._end_piece()

    def pieces(self) -> list[str]:
        """Return the sums of the pieces so far, the rest at the end as the last one; the stream may go on."""
        rest = [each for _, each in self._parts]
        if self._filled:
            rest.append(self._current.digest())
        found = [*self._sums]
        if rest:
            last = rest.pop()
            while rest:
                last = _joined(rest.pop(), last)
            found.append(last)
        return [each.hex() for each in found]

    def _end_piece(self) -> None:
        size, found = BASE_PIECE_BYTES, self._current.digest()
        self._current, self._filled = xxh3_128(), 0
        while self._parts and self._parts[-1][0] == size:
            size, found = 2 * size, _joined(self._parts.pop()[1], found)
        if size < self.piece_bytes:
            self._parts.append((size, found))
            return
        self._sums.append(found)
        if len(self._sums) > _MOST_PIECES:
            self._double()

    def _double(self) -> None:
        """Join all pairs; an odd one at the end is the first half of a piece to come."""
        sums = self._sums
        self._sums = [_joined(sums[number], sums[number + 1]) for number in range(0, len(sums) - 1, 2)]
        if len(sums) % 2:
            self._parts.append((self.piece_bytes, sums[-1]))
        self.piece_bytes *= 2


def _joined(first: bytes, second: bytes) -> bytes:
    return xxh3_128(first + second).digest()
