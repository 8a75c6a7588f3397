"""Headers as real LXD 5.0.2 sent them are read, and written again byte by byte."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.migration import header_pb2 as pb
from holdfast.migration.header import (
    BtrfsFeatures,
    Criu,
    FsType,
    Header,
    IdRange,
    Outcome,
    OwnFeatures,
    RsyncFeatures,
    SentSnapshot,
    decode_header,
    decode_outcome,
    encode_header,
    encode_outcome,
    is_outcome,
)
from holdfast.model.errors import MigrationError

ALL = RsyncFeatures(xattrs=True, delete=True, compress=True, bidirectional=True)
MAP = (IdRange(True, False, 100000, 0, 10000001), IdRange(False, True, 100000, 0, 10000001))
OFFER_OF_DIR = "08001a0f0801100018a08d0620002881ade2041a0f0800100118a08d0620002881ade2043800420808011001180120016801"
ANSWER_OF_DIR = "080038004208080110011801200148006801"
OFFER_OF_BLOCK = "0804420808011001180120016801"
ANSWER_OF_BLOCK = "08044208080010001800200048006801"
ANSWER_OF_REFRESH = (
    "080122037673332a390a03767333120e0a0473697a6512063130304d694212160a10736e617073686f74732e65787069727912023164"
    "20003000380040004800500042080801100118012001480162060801100118016801"
)
DIR = Header(fs=FsType.RSYNC, idmap=MAP, predump=False, rsync=ALL, index_version=1)
SENT = [
    (OFFER_OF_DIR, DIR),
    (ANSWER_OF_DIR, Header(fs=FsType.RSYNC, predump=False, rsync=ALL, refresh=False, index_version=1)),
    (OFFER_OF_BLOCK, Header(fs=FsType.BLOCK_AND_RSYNC, rsync=ALL, index_version=1)),
    (
        ANSWER_OF_BLOCK,
        Header(fs=FsType.BLOCK_AND_RSYNC, rsync=RsyncFeatures(), refresh=False, index_version=1),
    ),
]


@pytest.mark.parametrize(("sent", "header"), SENT)
def test_as_lxd_sends_it(sent: str, header: Header) -> None:
    assert decode_header(bytes.fromhex(sent)) == header
    assert encode_header(header).hex() == sent


def test_snapshots_of_volumes_have_no_times() -> None:
    header = decode_header(bytes.fromhex(ANSWER_OF_REFRESH))
    assert header == Header(
        fs=FsType.BTRFS,
        snapshots=(SentSnapshot(name="vs3", config={"size": "100MiB", "snapshots.expiry": "1d"}),),
        rsync=ALL,
        refresh=True,
        btrfs=BtrfsFeatures(header=True, subvolumes=True, uuids=True),
        index_version=1,
    )


def test_everything_comes_back() -> None:
    snapshot = SentSnapshot(
        name="first",
        config={"user.a": "b", "volatile.last_state.idmap": "[]"},
        devices={"root": {"type": "disk", "path": "/", "pool": "default"}, "none": {}},
        profiles=("default", "other"),
        ephemeral=True,
        stateful=True,
        architecture="aarch64",
        created_at=datetime(2026, 11, 23, 3, 46, 28, tzinfo=UTC),
        last_used_at=None,
        expires_at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    header = replace(
        DIR,
        criu=Criu.NONE,
        snapshots=(snapshot, replace(snapshot, name="second", expires_at=None)),
        btrfs=BtrfsFeatures(header=True),
        own=OwnFeatures(trees=True, uncompressed=True, bases=("one", "other")),
        refresh=True,
        volume_bytes=1 << 40,
    )
    assert decode_header(encode_header(header)) == header


def test_times_are_whole_seconds_but_that_of_creation() -> None:
    moment = datetime(2026, 11, 23, 3, 46, 28, 371069, tzinfo=UTC)
    header = replace(DIR, snapshots=(SentSnapshot(name="s", created_at=moment, expires_at=moment),))
    found = decode_header(encode_header(header)).snapshots[0]
    assert (found.created_at, found.expires_at) == (moment, moment.replace(microsecond=0))


def test_what_lxd_does_not_know_is_after_what_it_knows() -> None:
    """It passes over fields whose numbers it doesn't have."""
    plain, ours = encode_header(DIR), encode_header(replace(DIR, own=OwnFeatures(trees=True)))
    assert ours.startswith(plain)


def test_names_and_records_must_agree() -> None:
    """A header that names another snapshot than it describes could be checked by one and used by the other."""
    sent = encode_header(replace(DIR, snapshots=(SentSnapshot(name="first"),)))
    assert sent.count(b"\x22\x05first") == 1
    with pytest.raises(MigrationError, match="other snapshots"):
        decode_header(sent.replace(b"\x22\x05first", b"\x22\x05other"))


def test_a_time_that_is_none_is_refused() -> None:
    message = pb.MigrationHeader(fs="RSYNC", snapshotNames=["s"])
    message.snapshots.add(name="s", ephemeral=False, architecture=2, stateful=False, creation_date=1 << 62)
    with pytest.raises(MigrationError, match="time that is none"):
        decode_header(message.SerializeToString())


@pytest.mark.parametrize("outcome", [Outcome(True), Outcome(False), Outcome(False, "no space"), Outcome(True, "x")])
def test_outcomes(outcome: Outcome) -> None:
    sent = encode_outcome(outcome)
    assert is_outcome(sent)
    assert decode_outcome(sent) == outcome


def test_the_outcome_of_lxd() -> None:
    assert encode_outcome(Outcome(True)).hex() == "08011200"
    assert not any(is_outcome(bytes.fromhex(sent)) for sent, _ in SENT)


@given(st.binary(max_size=300))
def test_threat_any_bytes_are_read_or_refused(data: bytes) -> None:
    for decode in (decode_header, decode_outcome):
        with contextlib.suppress(MigrationError):
            decode(data)
