from __future__ import annotations

import os

import pytest
from xxhash import xxh3_128

from holdfast.streams import pieces
from holdfast.streams.pieces import PieceHasher

SIZE = 16


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "BASE_PIECE_BYTES", SIZE)
    monkeypatch.setattr(pieces, "_MOST_PIECES", 4)


def hashed(data: bytes, step: int = 7) -> PieceHasher:
    hasher = PieceHasher()
    for begin in range(0, len(data), step):
        hasher.update(data[begin : begin + step])
    return hasher


def expected(data: bytes, size: int) -> list[str]:
    """The table of the module, the plain way."""

    def total(part: bytes, size: int) -> bytes:
        if size == SIZE:
            return xxh3_128(part).digest()
        half = size // 2
        if len(part) <= half:
            return total(part, half)
        return xxh3_128(total(part[:half], half) + total(part[half:], half)).digest()

    return [total(data[begin : begin + size], size).hex() for begin in range(0, len(data), size)]


@pytest.mark.parametrize("length", [*range(12 * SIZE), 400, 1000, 4321])
def test_sums_are_those_of_the_table_for_every_length(length: int) -> None:
    data = os.urandom(length)
    hasher = hashed(data)
    assert hasher.position == length
    assert hasher.pieces() == expected(data, hasher.piece_bytes)
    assert len(hasher.pieces()) <= 5
    assert hasher.pieces() == hashed(data, 1000).pieces()


def test_a_changed_byte_changes_its_piece_alone() -> None:
    data = bytearray(os.urandom(10 * SIZE))
    before = hashed(bytes(data)).pieces()
    data[5 * SIZE] ^= 1
    after = hashed(bytes(data)).pieces()
    size = hashed(bytes(data)).piece_bytes
    assert [number for number, (one, two) in enumerate(zip(before, after, strict=True)) if one != two] == [
        5 * SIZE // size
    ]
