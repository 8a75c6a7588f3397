from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.model.errors import CancelledOperationError
from holdfast.streams.handover import Handover, StalledReaderError


def test_all_that_is_written_arrives_in_order() -> None:
    stream, changed = Handover(block_bytes=1000, capacity_bytes=3000), threading.Event()
    stream.on_change(changed.set)
    data = bytes(range(256)) * 400

    def write() -> None:
        for start in range(0, len(data), 77):
            stream.write(memoryview(data)[start : start + 77])
        stream.write(data)
        stream.finish()

    found = bytearray()
    with ThreadPoolExecutor(1) as executor:
        written = executor.submit(write)
        while not stream.is_finished:
            assert changed.wait(60)
            changed.clear()
            while (block := stream.take()) is not None:
                found += block
        written.result(60)
    assert found == data + data


def test_a_writer_never_runs_ahead_of_the_capacity() -> None:
    stream = Handover(block_bytes=100, capacity_bytes=300)
    taken_early = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        written = executor.submit(lambda: [stream.write(bytes(100)) for _ in range(4)])
        taken_early.wait(0.2)
        assert not written.done()
        assert stream.take() == bytes(100)
        written.result(60)
    assert [stream.take() for _ in range(4)] == [bytes(100)] * 3 + [None]
    assert not stream.is_finished


def test_blocks_are_gathered_and_the_rest_comes_at_the_end() -> None:
    stream = Handover(block_bytes=100)
    for _ in range(12):
        stream.write(bytes(9))
    assert len(stream.take() or b"") == 108
    stream.write(b"rest")
    assert stream.take() is None
    stream.finish()
    assert not stream.is_finished
    assert stream.take() == b"rest"
    assert stream.is_finished


def test_a_reader_that_leaves_ends_the_writer_at_once() -> None:
    stream = Handover(block_bytes=10, capacity_bytes=10)
    stream.write(bytes(10))
    with ThreadPoolExecutor(1) as executor:
        blocked = executor.submit(stream.write, bytes(10))
        stream.abandon()
        with pytest.raises(CancelledOperationError):
            blocked.result(60)
    with pytest.raises(CancelledOperationError):
        stream.finish()
    assert not stream.is_finished


def test_a_finished_stream_is_not_lost_by_a_late_cancel() -> None:
    stream = Handover(block_bytes=10)
    stream.write(b"0123456789")
    stream.finish()
    stream.abandon()
    assert stream.take() == b"0123456789"
    assert stream.is_finished


def test_a_reader_that_stands_still_is_given_up() -> None:
    stream = Handover(block_bytes=10, capacity_bytes=10, patience_s=0.05)
    stream.write(bytes(10))
    with pytest.raises(StalledReaderError, match=r"took nothing for 0\.05 seconds"):
        stream.write(bytes(10))


def test_who_waits_is_told_of_blocks_and_of_the_end() -> None:
    stream, told = Handover(block_bytes=10), []
    stream.on_change(lambda: told.append(len(told)))
    stream.write(bytes(10))
    stream.finish()
    assert len(told) == 3


def test_what_is_written_may_change_afterwards() -> None:
    """Only bytes that stay as they are may be handed on without a copy."""
    handover = Handover(block_bytes=4)
    whole, changing = b"constant", bytearray(b"changing")
    for data in (memoryview(whole), memoryview(whole)[::-1], memoryview(whole)[:5], memoryview(changing), b""):
        handover.write(data)
    changing[:] = b"changed!"
    handover.finish()
    taken = list(iter(handover.take, None))
    assert taken == [b"constant", b"tnatsnoc", b"const", b"changing"]
    assert taken[0] is whole
