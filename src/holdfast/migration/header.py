"""The messages of the control channel: what the source offers, what the target wants of it, and how it ended.

`header.proto` is the format; this is what we think with. What comes from the other server is checked here: names and
values by those who use them, numbers and times at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from google.protobuf.message import DecodeError, Message

from holdfast.migration import header_pb2 as pb
from holdfast.model.errors import MigrationError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO_SECONDS: Final = -62135596800
"""Go's zero time, which says "none"."""
_ARCHITECTURES: Final = (
    *("i686", "x86_64", "armv7l", "aarch64", "ppc", "ppc64", "ppc64le"),
    *("s390x", "mips", "mips64", "riscv32", "riscv64"),
)
"""In the order of LXD's numbers, which begin with 1."""


class FsType(IntEnum):
    """How trees travel."""

    RSYNC = 0
    BTRFS = 1
    ZFS = 2
    RBD = 3
    BLOCK_AND_RSYNC = 4
    RBD_AND_RSYNC = 5


class Criu(IntEnum):
    """How the state of a running instance travels."""

    CRIU_RSYNC = 0
    PHAUL = 1
    NONE = 2
    """It doesn't: the main tree is sent a second time, while the instance stands still."""
    VM_QEMU = 3


@dataclass(frozen=True, slots=True)
class RsyncFeatures:
    """Options that both ends must run rsync with."""

    xattrs: bool = False
    delete: bool = False
    compress: bool = False
    bidirectional: bool = False


@dataclass(frozen=True, slots=True)
class BtrfsFeatures:
    """`header`: a list of subvolumes comes first; `subvolumes`: nested ones, too; `uuids`: with their identities."""

    header: bool = False
    subvolumes: bool = False
    uuids: bool = False


@dataclass(frozen=True, slots=True)
class OwnFeatures:
    """What two servers of ours add: `trees`, our own way in the place of rsync, as they are if `uncompressed`.

    `bases` are the identities of states of the volume that the source still has and differences can build on, those of
    its snapshots, too; in the answer the one that the target has, too.
    """

    trees: bool = False
    uncompressed: bool = False
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdRange:
    """Owners as they are on the source's disk."""

    is_uid: bool
    is_gid: bool
    host: int
    inside: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SentSnapshot:
    """A snapshot's record; times are whole seconds, but that of creation where it comes from a server of ours."""

    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    ephemeral: bool = False
    stateful: bool = False
    architecture: str = ""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """An offer, or the answer to it. Snapshots are oldest first."""

    fs: FsType
    criu: Criu | None = None
    idmap: tuple[IdRange, ...] = ()
    snapshots: tuple[SentSnapshot, ...] = ()
    predump: bool | None = None
    rsync: RsyncFeatures | None = None
    btrfs: BtrfsFeatures | None = None
    own: OwnFeatures = field(default_factory=OwnFeatures)
    refresh: bool | None = None
    volume_bytes: int | None = None
    index_version: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended for the other side."""

    is_success: bool
    message: str = ""


def encode_header(header: Header) -> bytes:
    """Write an offer or an answer as LXD does: features that are named at all are named one by one."""
    message = pb.MigrationHeader(fs=header.fs.name, criu=None if header.criu is None else header.criu.name)
    for each in header.idmap:
        message.idmap.add(isuid=each.is_uid, isgid=each.is_gid, hostid=each.host, nsid=each.inside, maprange=each.size)
    for snapshot in header.snapshots:
        message.snapshotNames.append(snapshot.name)
        message.snapshots.append(_snapshot_message(snapshot))
    if header.predump is not None:
        message.predump = header.predump
    if header.rsync is not None:
        message.rsyncFeatures.xattrs = header.rsync.xattrs
        message.rsyncFeatures.delete = header.rsync.delete
        message.rsyncFeatures.compress = header.rsync.compress
        message.rsyncFeatures.bidirectional = header.rsync.bidirectional
    if header.btrfs is not None:
        message.btrfsFeatures.migration_header = header.btrfs.header
        message.btrfsFeatures.header_subvolumes = header.btrfs.subvolumes
        message.btrfsFeatures.header_subvolume_uuids = header.btrfs.uuids
    if header.own != OwnFeatures():
        message.own.trees, message.own.uncompressed = header.own.trees, header.own.uncompressed
        message.own.bases.extend(header.own.bases)
    if header.refresh is not None:
        message.refresh = header.refresh
    if header.volume_bytes is not None:
        message.volumeSize = header.volume_bytes
    if header.index_version:
        message.indexHeaderVersion = header.index_version
    return message.SerializeToString()


def decode_header(data: bytes) -> Header:
    """Read an offer or an answer; raise `MigrationError` for what is none."""
    message = pb.MigrationHeader()
    _parse(message, data)
    if list(message.snapshotNames) != [each.name for each in message.snapshots]:
        raise MigrationError("The other server names other snapshots than it describes")
    return Header(
        fs=FsType(message.fs),
        criu=Criu(message.criu) if message.HasField("criu") else None,
        idmap=tuple(IdRange(each.isuid, each.isgid, each.hostid, each.nsid, each.maprange) for each in message.idmap),
        snapshots=tuple(_snapshot(each) for each in message.snapshots),
        predump=message.predump if message.HasField("predump") else None,
        rsync=_rsync(message) if message.HasField("rsyncFeatures") else None,
        btrfs=_btrfs(message) if message.HasField("btrfsFeatures") else None,
        own=OwnFeatures(message.own.trees, message.own.uncompressed, tuple(message.own.bases)),
        refresh=message.refresh if message.HasField("refresh") else None,
        volume_bytes=message.volumeSize if message.HasField("volumeSize") else None,
        index_version=message.indexHeaderVersion,
    )


def encode_outcome(outcome: Outcome) -> bytes:
    return pb.MigrationControl(success=outcome.is_success, message=outcome.message).SerializeToString()


def decode_outcome(data: bytes) -> Outcome:
    """Read how it ended; raise `MigrationError` for anything else."""
    message = pb.MigrationControl()
    _parse(message, data)
    return Outcome(message.success, message.message)


def is_outcome(data: bytes) -> bool:
    """Tell a failure that comes in the place of a header from a header.

    Both begin with a number; the second field of a failure is text, that of a header a number (or another field).
    """
    return data[:2] in (b"\x08\x00", b"\x08\x01") and (len(data) == 2 or data[2:3] == b"\x12")


def _parse(message: Message, data: bytes) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise MigrationError("The other server sent a message that can't be read") from error


def _rsync(message: pb.MigrationHeader) -> RsyncFeatures:
    found = message.rsyncFeatures
    return RsyncFeatures(found.xattrs, found.delete, found.compress, found.bidirectional)


def _btrfs(message: pb.MigrationHeader) -> BtrfsFeatures:
    found = message.btrfsFeatures
    return BtrfsFeatures(found.migration_header, found.header_subvolumes, found.header_subvolume_uuids)


def _snapshot_message(snapshot: SentSnapshot) -> pb.Snapshot:
    return pb.Snapshot(
        name=snapshot.name,
        localConfig=_entries(snapshot.config),
        profiles=snapshot.profiles,
        ephemeral=snapshot.ephemeral,
        localDevices=[pb.Device(name=name, config=_entries(each)) for name, each in snapshot.devices.items()],
        architecture=_ARCHITECTURES.index(snapshot.architecture) + 1 if snapshot.architecture else 0,
        stateful=snapshot.stateful,
        creation_date=_seconds(snapshot.created_at),
        creation_microseconds=(snapshot.created_at and snapshot.created_at.microsecond) or None,
        last_used_date=_seconds(snapshot.last_used_at),
        expiry_date=_seconds(snapshot.expires_at),
    )


def _snapshot(message: pb.Snapshot) -> SentSnapshot:
    number = message.architecture
    return SentSnapshot(
        name=message.name,
        config=_map(message.localConfig),
        devices={device.name: _map(device.config) for device in message.localDevices},
        profiles=tuple(message.profiles),
        ephemeral=message.ephemeral,
        stateful=message.stateful,
        architecture=_ARCHITECTURES[number - 1] if 0 < number <= len(_ARCHITECTURES) else "",
        created_at=_time(message.creation_date, message.creation_microseconds),
        last_used_at=_time(message.last_used_date),
        expires_at=_time(message.expiry_date),
    )


def _entries(values: Mapping[str, str]) -> list[pb.Config]:
    return [pb.Config(key=key, value=value) for key, value in values.items()]


def _map(entries: Iterable[pb.Config]) -> dict[str, str]:
    return {entry.key: entry.value for entry in entries}


def _seconds(time: datetime | None) -> int:
    return _ZERO_SECONDS if time is None else (time - _EPOCH) // timedelta(seconds=1)


def _time(seconds: int, microseconds: int = 0) -> datetime | None:
    """Return the time; 0 is what volumes of older servers have."""
    if seconds in (0, _ZERO_SECONDS):
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=min(microseconds, 999_999))
    except OverflowError as error:
        raise MigrationError(f"The other server sent a time that is none: {seconds}") from error
