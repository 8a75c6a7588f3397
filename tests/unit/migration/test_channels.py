"""Streams and messages over two connections: ends are ends, cuts are cuts, and the reason of a failure arrives."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.migration import sink, source
from holdfast.migration.agreement import Agreement, telling
from holdfast.migration.channels import FRAME_BYTES, ControlChannel, DataChannel, RemoteFailureError
from holdfast.migration.header import (
    Criu,
    FsType,
    Header,
    Outcome,
    OwnFeatures,
    SentSnapshot,
    encode_header,
    encode_outcome,
)
from holdfast.migration.index import IndexHeader, VolumeFacts, volume_facts, volume_index
from holdfast.migration.memory_socket import MemorySocket, pair
from holdfast.migration.negotiation import own_ways
from holdfast.model.errors import BadRequestError, MigrationError

OFFER = Header(
    fs=FsType.RSYNC,
    snapshots=(SentSnapshot(name="first"), SentSnapshot(name="second")),
    predump=False,
    own=OwnFeatures(trees=True),
)


class Side:
    """One server: both its channels."""

    def __init__(self, control: MemorySocket, data: MemorySocket) -> None:
        self.control_socket, self.data_socket = control, data
        self.control, self.data = ControlChannel(control), DataChannel(data)


@pytest.fixture
def sides() -> tuple[Side, Side]:
    controls, streams = pair(), pair()
    return Side(controls[0], streams[0]), Side(controls[1], streams[1])


def together(one: Callable[[], object], other: Callable[[], object]) -> tuple[object, object]:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(one), threads.submit(other)
        return first.result(60), second.result(60)


def read(channel: DataChannel) -> bytes:
    gathered, buffer = b"", memoryview(bytearray(1000))
    while count := channel.readinto(buffer):
        gathered += buffer[:count]
    return gathered


def test_streams_follow_each_other(sides: tuple[Side, Side]) -> None:
    one, other = sides
    large = bytes(range(256)) * 4096
    for part in (b"one", b"", large):
        one.data.write(part)
        one.data.end()
    assert [read(other.data) for _ in range(3)] == [b"one", b"", large]
    assert one.data.sent_bytes == other.data.received_bytes == 3 + len(large)


@pytest.mark.parametrize(("round_trip_s", "is_local"), [(None, False), (0.0002, True), (0.02, False)])
def test_a_line_is_local_by_what_it_takes_to_answer(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch, round_trip_s: float | None, *, is_local: bool
) -> None:
    one, _ = sides
    monkeypatch.setattr(one.data_socket, "round_trip_s", lambda: round_trip_s)
    assert one.data.is_local is is_local


def test_small_frames_are_joined_to_whole_pieces_and_streams_stay_apart(sides: tuple[Side, Side]) -> None:
    one, other = sides
    for _ in range(25):
        one.data.write(b"abcd")
    one.data.end()
    one.data.send_document(b"next")
    pieces, buffer = other.data.whole_pieces(), memoryview(bytearray(30))
    assert [pieces.readinto(buffer) for _ in range(5)] == [30, 30, 30, 10, 0]
    assert pieces.readinto(buffer) == 0  # and not the beginning of the next stream
    assert other.data.receive_document() == b"next"


def test_frames_are_small(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.data.write(bytes(FRAME_BYTES + 1))
    first, second = other.data_socket.receive(), other.data_socket.receive()
    assert first is not None and second is not None
    assert (len(first), len(second)) == (FRAME_BYTES, 1)


@pytest.mark.parametrize("end", [MemorySocket.close, MemorySocket.abort])
def test_a_connection_that_ends_is_not_the_end_of_a_stream(
    sides: tuple[Side, Side], end: Callable[[MemorySocket], None]
) -> None:
    one, other = sides
    one.data.write(b"half of it")
    end(one.data_socket)
    with pytest.raises(MigrationError):
        read(other.data)


def test_threat_a_document_without_end_is_refused(sides: tuple[Side, Side]) -> None:
    one, other = sides

    def send() -> None:
        with pytest.raises(MigrationError):
            while True:
                one.data.write(bytes(FRAME_BYTES))

    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(send)
        with pytest.raises(MigrationError, match="larger than"):
            other.data.receive_document()
        other.data.socket.abort()
        sending.result(60)


@pytest.mark.parametrize("wanted", [[], ["second"], ["first", "second"]])
def test_both_sides_agree(sides: tuple[Side, Side], wanted: list[str]) -> None:
    one, other = sides

    def send() -> Agreement:
        agreement = source.offer(one.control, one.data, OFFER, own_ways(has_streams=True))
        source.send_index(one.data, volume_index(VolumeFacts(name="v"), [VolumeFacts(name="first")]), agreement)
        source.finish(one.control)
        return agreement

    def receive() -> tuple[Agreement, IndexHeader]:
        offer = sink.receive_offer(other.control)
        taken = [each for each in offer.snapshots if each.name in wanted]
        ways = own_ways(has_streams=True, compress=False)
        agreement = sink.answer(other.control, other.data, offer, ways, taken, own=OFFER.own, refresh=True)
        index = sink.receive_index(other.data, agreement)
        sink.finish(other.control)
        return agreement, index

    sent, (received, index) = together(send, receive)  # type: ignore[misc]
    assert sent == received
    assert sent.wanted == tuple(wanted)
    assert sent.own.trees and sent.has_streams and not sent.is_twice
    volume, snapshots = volume_facts(index)
    assert (volume.name, list(snapshots)) == ("v", ["first"])


def test_a_running_source_is_sent_twice_if_both_know(sides: tuple[Side, Side]) -> None:
    one, other = sides
    running = Header(fs=FsType.RSYNC, criu=Criu.NONE)

    def answer() -> Agreement:
        offer = sink.receive_offer(other.control)
        ways = own_ways(has_streams=False)
        return sink.answer(other.control, other.data, offer, ways, (), own=OFFER.own, refresh=False)

    ways = own_ways(has_streams=False)
    sent, received = together(lambda: source.offer(one.control, one.data, running, ways), answer)
    assert isinstance(sent, Agreement) and isinstance(received, Agreement)
    assert sent.is_twice and received.is_twice
    one.control_socket.abort()


def test_a_target_that_echoes_nothing_gets_one_pass(sides: tuple[Side, Side]) -> None:
    one, other = sides
    other.control_socket.send(encode_header(Header(fs=FsType.RSYNC, index_version=1)))
    running = Header(fs=FsType.RSYNC, criu=Criu.NONE)
    assert not source.offer(one.control, one.data, running, own_ways(has_streams=False)).is_twice
    one.control_socket.abort()


def test_threat_a_target_wants_what_was_not_offered(sides: tuple[Side, Side]) -> None:
    one, other = sides
    other.control_socket.send(encode_header(Header(fs=FsType.RSYNC, snapshots=(SentSnapshot(name="../secret"),))))
    with pytest.raises(MigrationError, match="wants snapshots that there aren't"):
        source.offer(one.control, one.data, OFFER, own_ways(has_streams=False))
    one.control_socket.abort()


def test_a_failure_in_the_place_of_a_header(sides: tuple[Side, Side]) -> None:
    one, other = sides
    other.control_socket.send(encode_outcome(Outcome(False, "no room")))
    with pytest.raises(RemoteFailureError, match="no room"):
        source.offer(one.control, one.data, OFFER, own_ways(has_streams=False))


def test_a_refused_index(sides: tuple[Side, Side]) -> None:
    one, other = sides
    agreement = Agreement(
        way=own_ways(has_streams=False)[0],
        wanted=(),
        refresh=False,
        is_twice=False,
        index_version=1,
        own=OFFER.own,
    )
    other.data.send_document(b'{"StatusCode":409,"Error":"not this one","Refresh":false}')
    with pytest.raises(RemoteFailureError, match="not this one"):
        source.send_index(one.data, IndexHeader(), agreement)
    other.data.send_document(b"{")
    with pytest.raises(MigrationError, match="can't be read"):
        source.send_index(one.data, IndexHeader(), agreement)


def test_the_reason_is_told_and_heard(sides: tuple[Side, Side]) -> None:
    """Who waits for data hears why none will come, not only that the connection is gone."""
    one, other = sides
    other.control.watch(other.data_socket)

    def fail() -> None:
        with pytest.raises(BadRequestError), telling(one.control, one.data):
            raise BadRequestError("the disk is on fire")

    def wait() -> None:
        with pytest.raises(RemoteFailureError, match="the disk is on fire"), telling(other.control, other.data):
            read(other.data)

    together(fail, wait)


def test_a_cut_is_heard_by_who_waits_for_data(sides: tuple[Side, Side]) -> None:
    one, other = sides
    other.control.watch(other.data_socket)
    one.control_socket.abort()
    with pytest.raises(MigrationError), telling(other.control, other.data):
        read(other.data)
    with pytest.raises(MigrationError):
        source.finish(other.control)
