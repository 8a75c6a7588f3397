"""The list of subvolumes that comes before their streams, and its answer in a refresh: which of them are wanted."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.migration.channels import DataChannel
from holdfast.model.errors import MigrationError
from holdfast.wire import migration as wire
from holdfast.wire.optimized_header import SubvolumeEntry

__all__ = ["SubvolumeEntry", "receive_list", "send_list"]


def send_list(data: DataChannel, entries: Sequence[SubvolumeEntry]) -> None:
    data.send_document(wire.encode(wire.SubvolumeList(subvolumes=list(entries))))


def receive_list(data: DataChannel) -> list[SubvolumeEntry]:
    try:
        return wire.decode_subvolumes(data.receive_document())
    except wire.MigrationFormatError as error:
        raise MigrationError(f"The other server's list of subvolumes can't be read: {error}") from error
