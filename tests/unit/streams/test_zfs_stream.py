"""The frame of `zfs send`: real streams pass unchanged in pieces of any size; everything else is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from holdfast.model.errors import ArchiveError
from holdfast.streams.zfs_stream import RECORD_BYTES, Beginning, ReplayCheck, beginning_of
from support.zfs_transcripts import real_streams

REAL = real_streams()


class Collected:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview | bytes, /) -> int:
        self.data += data
        return len(data)


def passed(stream: bytes, piece_bytes: int = 1 << 20) -> tuple[bytes, list[Beginning]]:
    sink, seen = Collected(), []

    def begun(beginning: Beginning) -> Collected:
        seen.append(beginning)
        return sink

    check = ReplayCheck(begun)
    for start in range(0, len(stream), piece_bytes):
        check.write(stream[start : start + piece_bytes])
    check.finish()
    return bytes(sink.data), seen


def patched(position: int, data: bytes) -> bytes:
    changed = bytearray(REAL[0])
    changed[position : position + len(data)] = data
    return bytes(changed)


@pytest.mark.parametrize("piece_bytes", [1, 311, 312, 313, 4096, 1 << 20])
def test_real_streams_pass_unchanged(piece_bytes: int) -> None:
    assert len(REAL) == 3
    for stream in REAL:
        assert passed(stream, piece_bytes)[0] == stream


def test_they_say_what_they_are_and_what_they_differ_from() -> None:
    seen = [passed(stream)[1][0] for stream in REAL[:3]]
    assert [each.snapshot for each in seen] == ["snapshot-s0", "snapshot-s1", "backup-x-2"]
    assert [each.base_guid for each in seen] == [None, seen[0].guid, seen[1].guid]


def test_threat_a_zfs_stream_cut_anywhere_is_seen() -> None:
    stream = REAL[1]
    for end in (0, 1, RECORD_BYTES, RECORD_BYTES + 1, len(stream) // 2, len(stream) - RECORD_BYTES, len(stream) - 1):
        with pytest.raises(ArchiveError, match="ends too early"):
            passed(stream[:end])


def test_threat_more_behind_the_end_of_a_zfs_stream() -> None:
    with pytest.raises(ArchiveError, match="goes on after its end"):
        passed(REAL[1] + REAL[2])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda: patched(0, struct.pack("<I", 3)), "damaged"),
        (lambda: patched(8, struct.pack(">Q", 0x2F5BACBAC)), "another kind of processor"),
        (lambda: patched(16, struct.pack("<Q", 2)), "several datasets or properties"),
        (lambda: patched(4, struct.pack("<I", 512)), "several datasets or properties"),
        (lambda: patched(16, struct.pack("<Q", 1 | 1 << 26)), "encrypted"),
        (lambda: patched(16, struct.pack("<Q", 1 | 1 << 22)), "rest of a broken one"),
        (lambda: patched(32, struct.pack("<I", 3)), "none of a file system"),
        (lambda: patched(RECORD_BYTES, struct.pack("<I", 77)), "damaged"),
        (lambda: patched(RECORD_BYTES, struct.pack("<I", 0)), "damaged"),
    ],
)
def test_threat_zfs_streams_of_other_kinds(change: Callable[[], bytes], text: str) -> None:
    with pytest.raises(ArchiveError, match=text):
        passed(change())


def test_threat_a_record_that_claims_an_absurd_size() -> None:
    record = struct.pack("<II", 3, 0) + bytes(24) + struct.pack("<Q", 1 << 40) + bytes(RECORD_BYTES - 40)
    with pytest.raises(ArchiveError, match="damaged"):
        passed(REAL[0][:RECORD_BYTES] + record)


def test_nothing_is_handed_on_of_a_stream_that_is_refused() -> None:
    with pytest.raises(ArchiveError):
        ReplayCheck(lambda _: pytest.fail("it was begun")).write(bytes(RECORD_BYTES))


def test_a_beginning_without_a_name_is_read() -> None:
    assert beginning_of(patched(56, bytes(256))[:RECORD_BYTES]).snapshot == ""
