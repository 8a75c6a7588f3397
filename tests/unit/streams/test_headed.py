from __future__ import annotations

import io

import pytest

from holdfast.streams.headed import Headed, Readable


class Plain:
    """Can only `read`, and gives little at once."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, 3) if size > 0 else size)


@pytest.mark.parametrize("make", [io.BytesIO, Plain])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_head_comes_again_before_the_rest(make: type[io.BytesIO] | type[Plain], size: int) -> None:
    data = bytes(range(50))
    by_read: Readable = Headed(make(data), 10)
    assert b"".join(iter(lambda: by_read.read(size), b"")) == data
    by_buffer = Headed(make(data), 10)
    assert by_buffer.head == data[:10]
    buffer, found = memoryview(bytearray(size)), b""
    while count := by_buffer.readinto(buffer):
        found += bytes(buffer[:count])
    assert found == data
