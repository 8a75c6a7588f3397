from __future__ import annotations

import io

import pytest

from holdfast.model.errors import CancelledOperationError
from holdfast.streams.copy import BUFFER_BYTES, pump, write_all


class Slow(io.RawIOBase):
    """Takes seven bytes at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        self.taken += data[:7]
        return min(7, len(data))


def test_pump_moves_everything_and_reports() -> None:
    data = bytes(range(256)) * (BUFFER_BYTES // 100)
    sink, seen = io.BytesIO(), []
    assert pump(io.BytesIO(data), sink, progress=seen.append) == len(data)
    assert sink.getvalue() == data
    assert seen[-1] == len(data)
    assert seen == sorted(seen)


def test_pump_stops_when_cancelled() -> None:
    sink = io.BytesIO()
    with pytest.raises(CancelledOperationError):
        pump(io.BytesIO(b"x"), sink, cancelled=lambda: True)
    assert sink.getvalue() == b""


def test_write_all_survives_short_writes() -> None:
    sink = Slow()
    write_all(sink, b"0123456789" * 10)
    assert bytes(sink.taken) == b"0123456789" * 10
