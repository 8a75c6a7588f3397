"""The bytes of our own way of sending trees: what the target asks for, and what the source answers.

| stream | from | what is in it, numbers big-endian |
|---|---|---|
| part | source | a `wire.tree_exchange.Part` |
| requests | target | seed (8), then for each file: its number in the part (4), how many sums (4), the sums (16 each) |
| contents | source | for each file, in the order of the requests: pieces, then END or GONE |

A sum is of a block of `BLOCK_BYTES` that the target has: xxh3-128 with the seed, which is drawn for each part so that
nobody can prepare blocks of the same sum. A file without sums is wanted whole. These three follow each other until the
last part. While contents come, requests still go.

| piece | kind (1) | length (4) | offset (8) | then |
|---|---|---|---|---|
| END | 0 | 0 | size of the file | |
| DATA | 1 | of the data | where it belongs | the data |
| ZSTD | 2 | of the compressed data | where it belongs | the data, compressed |
| ZERO | 3 | how many zeros | where they belong | |
| GONE | 4 | 0 | 0 | |
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import xxhash

from holdfast.migration.channels import FRAME_BYTES, DataChannel
from holdfast.model.errors import MigrationError

BLOCK_BYTES: Final = 64 * 1024
"""Small enough that a changed record costs little, large enough that the sums of a large file are few."""
PIECE_BYTES: Final = 256 * 1024
SUM_BYTES: Final = 16
SEED_BYTES: Final = 8
_NEWEST_COUNTS: Final = 0.1
"""How much the newest frame counts in what the line takes: single ones wait, or fill a buffer."""
REQUEST: Final = struct.Struct(">II")
PIECE: Final = struct.Struct(">BIQ")


class Kind(IntEnum):
    """What a piece is."""

    END = 0
    DATA = 1
    ZSTD = 2
    ZERO = 3
    GONE = 4


class StreamWriter:
    """Gathers small writes to frames; notes how long the line takes for them."""

    def __init__(self, channel: DataChannel) -> None:
        self._channel, self._gathered = channel, bytearray()
        self.line_s_per_byte: float | None = None
        """What the line took lately, None before there was anything to go by."""

    def write(self, *pieces: bytes | memoryview) -> None:
        for piece in pieces:
            self._gathered += piece
        if len(self._gathered) >= FRAME_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._gathered:
            begun_s = time.monotonic()
            self._channel.write(memoryview(self._gathered))
            self._note((time.monotonic() - begun_s) / len(self._gathered))
            self._gathered = bytearray()

    def end(self) -> None:
        """End the stream."""
        self.flush()
        self._channel.end()

    def _note(self, s_per_byte: float) -> None:
        former = self.line_s_per_byte
        self.line_s_per_byte = s_per_byte if former is None else former + (s_per_byte - former) * _NEWEST_COUNTS


class StreamReader:
    """Reads one stream in pieces of exact sizes."""

    def __init__(self, channel: DataChannel) -> None:
        self._channel = channel
        self._buffer = memoryview(bytearray(PIECE_BYTES))

    def read(self, size: int) -> memoryview:
        """Return that many bytes, valid until the next call; raise `MigrationError` if the stream ends before."""
        found = self._read(size)
        if len(found) < size:
            raise MigrationError("The other server's stream ends in the middle of a message")
        return found

    def read_or_end(self, size: int) -> memoryview | None:
        """Return that many bytes, or None at the end of the stream."""
        found = self._read(size)
        if found and len(found) < size:
            raise MigrationError("The other server's stream ends in the middle of a message")
        return found if found else None

    def expect_end(self) -> None:
        if self._read(1):
            raise MigrationError("The other server sent more than was asked for")

    def _read(self, size: int) -> memoryview:
        if size > len(self._buffer):
            raise MigrationError(f"The other server sent a message of {size} bytes, more than fits")
        filled = 0
        while filled < size:
            count = self._channel.readinto(self._buffer[filled:size])
            if not count:
                break
            filled += count
        return self._buffer[:filled]


def block_sums(descriptor: int, size: int, seed: int) -> Iterator[bytes]:
    """Yield the sum of each block of an open file, up to that size."""
    for start in range(0, size, PIECE_BYTES):
        data = memoryview(os.pread(descriptor, min(PIECE_BYTES, size - start), start))
        for place in range(0, len(data), BLOCK_BYTES):
            yield block_sum(data[place : place + BLOCK_BYTES], seed)


def block_sum(block: memoryview, seed: int) -> bytes:
    return xxhash.xxh3_128_digest(block, seed)
