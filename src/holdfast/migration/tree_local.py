"""A staged tree made what a directory of this machine holds, where it is much like that already.

The two sides of a transfer, in one process. What only looks the same by size and time is compared byte by byte: both
are here to be read.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from holdfast.host.beneath import directory, join, open_file_beneath
from holdfast.host.failures import explained
from holdfast.host.tree_copy import VANISHED
from holdfast.host.tree_edit import opened_to_read
from holdfast.migration.channels import DataChannel
from holdfast.migration.memory_socket import CutError, pair
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_receive import receive_tree
from holdfast.migration.tree_send import SendOptions, send_tree
from holdfast.model.errors import MigrationError, NoSpaceError, StorageError
from holdfast.streams.copy import Cancelled, Progress, untold

_PIECE_BYTES: Final = 1024 * 1024


def update_tree(source: Path, ground: Ground, doing: str, *, progress: Progress, cancelled: Cancelled) -> None:
    """Make the staged tree of `ground` hold what `source` holds; nothing is staged if the former tree does.

    What is the same stays as it is, also the blocks of large files. `progress` gets the bytes copied so far. Raises
    `StorageError` for what can't be read or written, `NoSpaceError` when the pool is full; `doing` comes first.
    """
    try:
        with explained(f'Failed reading "{source.name}"', StorageError), directory(source) as root:
            _exchange(source, _Comparison(root), ground, progress, cancelled)
    except NoSpaceError as error:
        raise type(error)(f"{doing}: {error}") from error
    except (MigrationError, StorageError) as error:
        raise StorageError(f"{doing}: {error}") from error


def _exchange(source: Path, comparison: _Comparison, ground: Ground, progress: Progress, cancelled: Cancelled) -> None:
    """Run both sides; raise what failed first: the other one then sees nothing but a cut."""
    sending, receiving = (DataChannel(end) for end in pair())

    def send() -> None:
        try:
            send_tree(sending, source, SendOptions(compress=False), progress=untold, cancelled=cancelled)
        except BaseException:
            sending.socket.abort()
            raise

    with ThreadPoolExecutor(1, thread_name_prefix="local tree") as threads:
        sent = threads.submit(send)
        try:
            receive_tree(receiving, ground, progress=progress, cancelled=cancelled, is_same=comparison.is_same)
        except CutError:
            sent.result()
            raise
        except BaseException:
            receiving.socket.abort()
            raise
        sent.result()


class _Comparison:
    """Compares files with those of the source."""

    def __init__(self, root: int) -> None:
        self._root = root

    def is_same(self, here: int, path: bytes, name: str) -> bool:
        """Tell whether a file holds what the source's of the same path holds; both have the same size."""
        try:
            there = open_file_beneath(self._root, join(path, name), os.O_RDONLY | os.O_NOATIME)
        except OSError as error:
            if error.errno not in VANISHED:
                raise
            return False
        try:
            with opened_to_read(here, name) as own:
                return _have_same_bytes(there, own)
        finally:
            os.close(there)


def _have_same_bytes(one: int, other: int) -> bool:
    place = 0
    while True:
        piece = os.pread(one, _PIECE_BYTES, place)
        if piece != os.pread(other, _PIECE_BYTES, place):
            return False
        if not piece:
            return True
        place += len(piece)
