"""Which way trees travel, and with which options: both servers reckon it from the offer and the answer. Pure.

A server can do several things, the best first. The offer names the first and its options; what stands behind it as the
way that every server knows is understood. The target takes the first of its own that is offered, the source the
first of its own that is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.migration.header import BtrfsFeatures, FsType, Header, OwnFeatures, RsyncFeatures
from holdfast.model.errors import MigrationError

INDEX_VERSION: Final = 1
ALL_RSYNC: Final = RsyncFeatures(xattrs=True, delete=True, compress=True, bidirectional=True)
ALL_BTRFS: Final = BtrfsFeatures(header=True, subvolumes=True, uuids=True)


@dataclass(frozen=True, slots=True)
class Way:
    """One way for trees to travel, with the options that go with it."""

    fs: FsType
    rsync: RsyncFeatures | None = None
    btrfs: BtrfsFeatures | None = None


def own_ways(*, has_streams: bool, is_block: bool = False, compress: bool = True) -> tuple[Way, ...]:
    """Return what this server can do for a volume, the best first; `has_streams`: both are on btrfs, if they agree."""
    rsync = replace(ALL_RSYNC, compress=compress)
    plain = Way(FsType.BLOCK_AND_RSYNC) if is_block else Way(FsType.RSYNC, rsync=rsync)
    return (Way(FsType.BTRFS, btrfs=ALL_BTRFS), plain) if has_streams else (plain,)


def offered(header: Header, ways: Sequence[Way]) -> Header:
    """Return the header with what these ways say."""
    return replace(
        header,
        fs=ways[0].fs,
        rsync=next((way.rsync for way in ways if way.rsync is not None), None),
        btrfs=next((way.btrfs for way in ways if way.btrfs is not None), None),
    )


def common_ways(other: Header, own: Sequence[Way], *, refresh: bool = False) -> tuple[Way, ...]:
    """Return what both can do, in our order, with the options of both; raise `MigrationError` if there is nothing."""
    is_block = any(way.fs is FsType.BLOCK_AND_RSYNC for way in own)
    there = (other.fs, FsType.BLOCK_AND_RSYNC if is_block else FsType.RSYNC)
    found = []
    for way in own:
        if way.fs not in there:
            continue
        if way.fs is FsType.BTRFS:
            btrfs = _common_btrfs(other.btrfs, way.btrfs)
            if not refresh or btrfs.uuids:
                found.append(replace(way, btrfs=btrfs))
        elif way.rsync is not None:
            found.append(replace(way, rsync=_common_rsync(other.rsync, way.rsync)))
        else:
            found.append(way)
    if not found:
        theirs, ours = (", ".join(fs.name for fs in each) for each in (there, [way.fs for way in own]))
        raise MigrationError(f"No matching migration types found. Offered types: [{theirs}], our types: [{ours}]")
    return tuple(found)


def common_own(one: OwnFeatures, other: OwnFeatures) -> OwnFeatures:
    return OwnFeatures(
        trees=one.trees and other.trees,
        uncompressed=one.uncompressed or other.uncompressed,
        bases=tuple(each for each in one.bases if each in other.bases),
    )


def _common_rsync(theirs: RsyncFeatures | None, ours: RsyncFeatures) -> RsyncFeatures:
    if theirs is None or not theirs.bidirectional:  # too old to say: it has what there was then
        theirs = replace(ALL_RSYNC, bidirectional=False)
    return RsyncFeatures(
        xattrs=theirs.xattrs and ours.xattrs,
        delete=theirs.delete and ours.delete,
        compress=theirs.compress and ours.compress,
        bidirectional=theirs.bidirectional and ours.bidirectional,
    )


def _common_btrfs(theirs: BtrfsFeatures | None, ours: BtrfsFeatures | None) -> BtrfsFeatures:
    one, other = theirs or BtrfsFeatures(), ours or BtrfsFeatures()
    return BtrfsFeatures(
        header=one.header and other.header,
        subvolumes=one.subvolumes and other.subvolumes,
        uuids=one.uuids and other.uuids,
    )
