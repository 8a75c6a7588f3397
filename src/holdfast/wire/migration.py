"""The documents of the data channel, JSON: the index header, its answer, and the list of subvolumes."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from holdfast.wire.backup_index import (
    InstanceEntry,
    PoolEntry,
    ProfileEntry,
    SnapshotEntry,
    VolumeEntry,
    VolumeSnapshotEntry,
)
from holdfast.wire.optimized_header import SubvolumeEntry

_T = TypeVar("_T")


class MigrationFormatError(ValueError):
    """The document is not what it must be; the text says where."""


class IndexConfig(msgspec.Struct, kw_only=True):
    """Version 1 of the index: the same entries as in an export's, under the names that the program has for them."""

    container: InstanceEntry | None = msgspec.field(name="Container", default=None)
    snapshots: list[SnapshotEntry | None] | None = msgspec.field(name="Snapshots", default=None)
    pool: PoolEntry | None = msgspec.field(name="Pool", default=None)
    profiles: list[ProfileEntry | None] | None = msgspec.field(name="Profiles", default=None)
    volume: VolumeEntry | None = msgspec.field(name="Volume", default=None)
    volume_snapshots: list[VolumeSnapshotEntry | None] | None = msgspec.field(name="VolumeSnapshots", default=None)


class IndexHeader(msgspec.Struct, kw_only=True):
    """What comes first from the source."""

    config: IndexConfig | None = None


class IndexAnswer(msgspec.Struct, kw_only=True):
    """What the target says to it."""

    status: int = msgspec.field(name="StatusCode", default=0)
    error: str = msgspec.field(name="Error", default="")
    refresh: bool | None = msgspec.field(name="Refresh", default=None)


class SubvolumeList(msgspec.Struct, kw_only=True):
    """All of the document."""

    subvolumes: list[SubvolumeEntry] | None = None


def encode(document: IndexHeader | IndexAnswer | SubvolumeList) -> bytes:
    return msgspec.json.encode(document)


def decode_index(document: bytes) -> IndexHeader:
    return _decode(document, IndexHeader)


def decode_answer(document: bytes) -> IndexAnswer:
    return _decode(document, IndexAnswer)


def decode_subvolumes(document: bytes) -> list[SubvolumeEntry]:
    return _decode(document, SubvolumeList).subvolumes or []


def _decode(document: bytes, shape: type[_T]) -> _T:
    try:
        return msgspec.json.decode(document, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MigrationFormatError(str(error)) from error
