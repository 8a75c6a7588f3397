"""SHA-256 of a stream in pieces of one size, so that damage is not only found but found where it is.

| piece of          | digest                                             |
|-------------------|----------------------------------------------------|
| 4 MiB (or a rest) | SHA-256 of its bytes                               |
| twice as much     | SHA-256 of the digests of its two halves, joined   |

A stream of more than `_MOST_PIECES` pieces gets larger ones: whatever its size, the list of digests is short.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Self

from holdfast.streams.copy import BUFFER_BYTES

BASE_PIECE_BYTES: Final = 4 * 1024 * 1024
_MOST_PIECES: Final = 8192
"""32 GiB in pieces of 4 MiB; the digests as text take half a MiB."""


class PieceHasher:
    """Takes a stream's bytes in order; one thread at a time."""

    def __init__(self) -> None:
        self.piece_bytes = BASE_PIECE_BYTES
        self.position = 0
        self._digests: list[bytes] = []
        """Of whole pieces of `piece_bytes`."""
        self._halves: list[bytes] = []
        """Of smaller whole pieces after those, each half as large as the one before or less."""
        self._sizes: list[int] = []
        self._current = hashlib.sha256()
        self._filled = 0

    def update(self, data: memoryview | bytes | bytearray) -> None:
        left = memoryview(data)
        while left:
            part = left[: BASE_PIECE_BYTES - self._filled]
            self._current.update(part)
            self._filled += len(part)
            self.position += len(part)
            left = left[len(part) :]
            if self._filled == BASE_PIECE_BYTES:
                self._end_piece()

    def digests(self) -> list[str]:
        """Return the digests of everything so far, the rest at the end as the last one; the stream may go on."""
        rest = [*self._halves, *([self._current.digest()] if self._filled else [])]
        found = [*self._digests]
        if rest:
            last = rest.pop()
            while rest:
                last = hashlib.sha256(rest.pop() + last).digest()
            found.append(last)
        return [digest.hex() for digest in found]

    def _end_piece(self) -> None:
        self._halves.append(self._current.digest())
        self._sizes.append(BASE_PIECE_BYTES)
        self._current, self._filled = hashlib.sha256(), 0
        while len(self._sizes) > 1 and self._sizes[-1] == self._sizes[-2]:
            self._join()
        if self._sizes[-1] == self.piece_bytes:
            self._digests.append(self._halves.pop())
            self._sizes.pop()
            if len(self._digests) > _MOST_PIECES:
                self._double()

    def _join(self) -> None:
        second, first = self._halves.pop(), self._halves.pop()
        self._halves.append(hashlib.sha256(first + second).digest())
        self._sizes[-2:] = [2 * self._sizes[-1]]

    def _double(self) -> None:
        """Join all pairs; an odd one at the end is the first half of a piece to come."""
        digests, self._digests = self._digests, []
        self.piece_bytes *= 2
        for number in range(0, len(digests) - 1, 2):
            self._digests.append(hashlib.sha256(digests[number] + digests[number + 1]).digest())
        if len(digests) % 2:
            self._halves.append(digests[-1])
            self._sizes.append(self.piece_bytes // 2)


class HashingThread:
    """Hashes beside the work of the thread that hands it the bytes: waiting for it would cost an export a tenth.

    The bytes are copied into a few buffers that are used again and again: fresh memory costs more than the copy.
    """

    _BUFFERS: Final = 4
    _BUFFER_BYTES: Final = BUFFER_BYTES // 2

    def __init__(self) -> None:
        self._hasher = PieceHasher()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="hashing")
        self._work: deque[tuple[Future[None], memoryview]] = deque()
        self._buffer = memoryview(b"")
        self._made = self._filled = 0
        self.position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def update(self, data: memoryview | bytes | bytearray) -> None:
        """Take a copy of the bytes."""
        left = memoryview(data)
        self.position += len(left)
        while left:
            if self._filled == len(self._buffer):
                self._next_buffer()
            part = left[: len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            left = left[len(part) :]

    def finish(self) -> PieceHasher:
        """Wait for the thread, and return what has seen all bytes."""
        self._hand_over()
        while self._work:
            self._work.popleft()[0].result()
        return self._hasher

    def _next_buffer(self) -> None:
        self._hand_over()
        if self._made < self._BUFFERS:
            self._made += 1
            self._buffer = memoryview(bytearray(self._BUFFER_BYTES))
        else:
            future, self._buffer = self._work.popleft()
            future.result()

    def _hand_over(self) -> None:
        if self._filled:
            future = self._executor.submit(self._hasher.update, self._buffer[: self._filled])
            self._work.append((future, self._buffer))
            self._buffer, self._filled = memoryview(b""), 0
