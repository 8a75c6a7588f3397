"""Which way trees travel: the table of what two servers can do, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.migration.header import BtrfsFeatures, FsType, Header, OwnFeatures, RsyncFeatures
from holdfast.migration.negotiation import ALL_BTRFS, ALL_RSYNC, Way, common_own, common_ways, offered, own_ways
from holdfast.model.errors import MigrationError

DIR = own_ways(has_streams=False)
BTRFS = own_ways(has_streams=True)
BLOCK = own_ways(has_streams=False, is_block=True)
BTRFS_BLOCK = own_ways(has_streams=True, is_block=True)
R, B, D = FsType.RSYNC, FsType.BTRFS, FsType.BLOCK_AND_RSYNC

TABLE = [
    # source, target, refresh, both can
    (DIR, DIR, False, [R]),
    (DIR, BTRFS, False, [R]),
    (BTRFS, DIR, False, [R]),
    (BTRFS, BTRFS, False, [B, R]),
    (BTRFS, BTRFS, True, [B, R]),
    (BLOCK, BLOCK, False, [D]),
    (BTRFS_BLOCK, BLOCK, False, [D]),
    (BLOCK, BTRFS_BLOCK, False, [D]),
    (BTRFS_BLOCK, BTRFS_BLOCK, False, [B, D]),
]


@pytest.mark.parametrize(("source", "target", "refresh", "expected"), TABLE)
def test_both_sides_come_to_the_same(
    source: tuple[Way, ...], target: tuple[Way, ...], refresh: bool, expected: list[FsType]
) -> None:
    offer = offered(Header(fs=R), source)
    there = common_ways(offer, target, refresh=refresh)
    assert [way.fs for way in there] == expected
    answer = offered(Header(fs=R), there)
    assert answer.fs is expected[0]
    assert common_ways(answer, source, refresh=refresh)[0] == there[0]


def test_options_are_those_of_both() -> None:
    offer = replace(offered(Header(fs=R), DIR), rsync=RsyncFeatures(True, True, False, True))
    assert common_ways(offer, DIR)[0].rsync == RsyncFeatures(True, True, False, True)
    without = own_ways(has_streams=False, compress=False)
    assert common_ways(offered(Header(fs=R), DIR), without)[0].rsync == replace(ALL_RSYNC, compress=False)


def test_a_peer_too_old_to_say_has_what_there_was() -> None:
    for features in (None, RsyncFeatures(), RsyncFeatures(xattrs=True)):
        found = common_ways(Header(fs=R, rsync=features), DIR)[0].rsync
        assert found == replace(ALL_RSYNC, bidirectional=False)


def test_a_refresh_by_streams_needs_identities() -> None:
    offer = replace(offered(Header(fs=B), BTRFS), btrfs=BtrfsFeatures(header=True, subvolumes=True))
    assert [way.fs for way in common_ways(offer, BTRFS)] == [B, R]
    assert [way.fs for way in common_ways(offer, BTRFS, refresh=True)] == [R]
    assert common_ways(offer, BTRFS)[0].btrfs == replace(ALL_BTRFS, uuids=False)


def test_nothing_in_common() -> None:
    with pytest.raises(MigrationError, match=r"Offered types: \[ZFS, RSYNC\], our types: \[BTRFS\]"):
        common_ways(Header(fs=FsType.ZFS), BTRFS[:1])


def test_own_options_need_both() -> None:
    ours = OwnFeatures(trees=True, bases=("a", "b"))
    assert common_own(ours, ours) == ours
    assert common_own(ours, OwnFeatures()) == OwnFeatures()
    assert common_own(ours, OwnFeatures(trees=True, bases=("b", "c"))) == OwnFeatures(trees=True, bases=("b",))


def test_nothing_is_compressed_if_one_side_wants_that() -> None:
    plain = OwnFeatures(trees=True, uncompressed=True)
    assert common_own(OwnFeatures(trees=True), plain) == common_own(plain, OwnFeatures(trees=True)) == plain
