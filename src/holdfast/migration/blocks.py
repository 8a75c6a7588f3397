"""Disks as they are: all bytes of the file in one stream. What is zero takes no space where it arrives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from holdfast.host.failures import explained
from holdfast.migration.channels import DataChannel
from holdfast.model.errors import MigrationError
from holdfast.streams.copy import Cancelled, Progress, pump

_PIECE_BYTES: Final = 64 * 1024
_ZEROS: Final = bytes(_PIECE_BYTES)


def send_block(channel: DataChannel, path: Path, *, progress: Progress, cancelled: Cancelled) -> None:
    """Send a file from its beginning to its end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", 0) as file:
        pump(file, channel, progress=progress, cancelled=cancelled)
    channel.end()


def receive_block(
    channel: DataChannel, path: Path, *, largest_bytes: int, progress: Progress, cancelled: Cancelled
) -> None:
    """Make a new file of the next stream; raise `MigrationError` when it is larger than the disk may be.

    Raises `NoSpaceError` when the pool is full.
    """
    with explained("Receiving a disk", MigrationError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            sink = _SparseFile(descriptor, largest_bytes)
            received_bytes = pump(channel, sink, progress=progress, cancelled=cancelled)
            os.ftruncate(descriptor, received_bytes)
        finally:
            os.close(descriptor)


class _SparseFile:
    def __init__(self, descriptor: int, largest_bytes: int) -> None:
        self._descriptor, self._largest_bytes, self._position = descriptor, largest_bytes, 0

    def write(self, data: memoryview | bytes, /) -> int:
        view = memoryview(data)
        if self._position + len(view) > self._largest_bytes:
            raise MigrationError(f"The other server sends a disk larger than {self._largest_bytes} bytes")
        for start in range(0, len(view), _PIECE_BYTES):
            piece = view[start : start + _PIECE_BYTES]
            if piece != _ZEROS[: len(piece)]:
                self._put(piece, self._position + start)
        self._position += len(view)
        return len(view)

    def _put(self, piece: memoryview, position: int) -> None:
        while piece:
            count = os.pwrite(self._descriptor, piece, position)
            piece, position = piece[count:], position + count
