from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.model.errors import CancelledOperationError
from holdfast.streams.copy import write_all
from holdfast.streams.growing import GrowingFile, GrowingSink


def test_a_reader_gets_all_that_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = bytes(range(256)) * 4096
    with path.open("wb", 0) as file, GrowingFile(path) as reader, ThreadPoolExecutor(1) as executor:
        read = executor.submit(lambda: b"".join(iter(lambda: reader.read(100_000), b"")))
        sink = GrowingSink(file, reader.growth)
        for start in range(0, len(data), 70_001):
            write_all(sink, data[start : start + 70_001])
        assert not read.done()
        reader.growth.complete()
        assert read.result(60) == data


def test_a_reader_never_sees_a_short_read_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb", 0) as file, GrowingFile(path) as reader, ThreadPoolExecutor(1) as executor:
        first = executor.submit(reader.read, 512)
        sink = GrowingSink(file, reader.growth)
        write_all(sink, bytes(300))
        write_all(sink, bytes(300))
        assert len(first.result(60)) == 512
        reader.seek(0)
        rest = executor.submit(reader.read)
        reader.growth.complete()
        assert len(rest.result(60)) == 600


def test_a_buffer_is_filled_with_what_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb", 0) as file, GrowingFile(path) as reader, ThreadPoolExecutor(1) as executor:
        buffer = memoryview(bytearray(512))
        filled = executor.submit(reader.readinto, buffer)
        sink = GrowingSink(file, reader.growth)
        write_all(sink, b"a" * 300)
        write_all(sink, b"b" * 300)
        assert filled.result(60) == 512 and bytes(buffer) == b"a" * 300 + b"b" * 212
        rest = executor.submit(reader.readinto, buffer)
        reader.growth.complete()
        assert rest.result(60) == 88 and bytes(buffer[:88]) == b"b" * 88


def test_a_reader_of_an_abandoned_file_gets_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"half")
    with GrowingFile(path) as reader, ThreadPoolExecutor(1) as executor:
        waiting = executor.submit(reader.read, 5)
        reader.growth.abandon()
        with pytest.raises(CancelledOperationError):
            waiting.result(60)
