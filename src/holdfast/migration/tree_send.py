"""Trees in our own way, sent: the source lists, hears what of it is wanted, and sends that; see `tree_frames`.

A file is the same by size and time of change to the nanosecond, as for rsync; of others, blocks are compared.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard

from holdfast.host.beneath import directory, open_file_beneath
from holdfast.host.failures import explained
from holdfast.host.listing import ListedDirectory, ListedEntry, list_tree
from holdfast.host.tree_copy import VANISHED
from holdfast.migration.channels import DataChannel
from holdfast.migration.tree_frames import (
    BLOCK_BYTES,
    PIECE,
    PIECE_BYTES,
    REQUEST,
    SEED_BYTES,
    SUM_BYTES,
    Kind,
    StreamReader,
    StreamWriter,
    block_sum,
)
from holdfast.model.errors import CancelledOperationError, MigrationError
from holdfast.streams.copy import BUFFER_BYTES, Cancelled, Progress
from holdfast.wire.tree_exchange import Directory, Entry, Part, encode_part

_PART_ENTRIES: Final = 4096
"""How many entries are listed at once: each part costs one more journey to and fro."""
_PART_ATTRIBUTE_BYTES: Final = 4 * 1024 * 1024
"""How many of extended attributes: a document has its limit. Those of one entry are never parted."""
_ZEROS: Final = bytes(PIECE_BYTES)
_WORTHWHILE: Final = 0.9
"""What compresses worse is sent as it is, and so are the pieces after it."""
_PIECES_UNTRIED: Final = 4
_PIECES_OF_A_FAST_LINE: Final = 32
"""How many are sent as they are once the line was faster than the compression."""
_LEFT_OUT: Final = "security.selinux"
"""Labels of the source's own policy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendOptions:
    """`bytes_per_s`: no more than that; 0 is without limit."""

    compress: bool = True
    bytes_per_s: int = 0


def send_tree(
    channel: DataChannel, tree: Path, options: SendOptions, *, progress: Progress, cancelled: Cancelled
) -> None:
    """Send what the directory holds; raise `MigrationError` if that can't be read."""
    with explained(f'Failed reading "{tree.name}"', MigrationError), directory(tree) as root:
        sender = _Sender(channel, root, options, progress, cancelled)
        with ThreadPoolExecutor(1, thread_name_prefix="migration list") as ahead:
            parts = _parts(root)
            coming = ahead.submit(next, parts, None)
            while (found := coming.result()) is not None:
                coming = ahead.submit(next, parts, None)  # while the other side compares this one
                sender.send(*found)


def _parts(root: int) -> Iterator[tuple[Part, list[bytes]]]:
    """Yield the parts, each with the path of every entry in it."""
    gathered: list[Directory] = []
    paths: list[bytes] = []
    groups: dict[tuple[int, int], int] = {}
    size = 0
    for found in list_tree(root, _PART_ENTRIES, _PART_ATTRIBUTE_BYTES):
        added = sum(entry.attribute_bytes for entry in (found.itself, *found.entries))
        is_full = len(paths) + len(found.entries) > _PART_ENTRIES or size + added > _PART_ATTRIBUTE_BYTES
        if gathered and is_full:
            yield Part(gathered, is_last=False), paths
            gathered, paths, size = [], [], 0
        gathered.append(_wire_directory(found, groups))
        prefix = found.path + b"/" if found.path else b""
        paths.extend(prefix + os.fsencode(entry.name) for entry in found.entries)
        size += added
    yield Part(gathered, is_last=True), paths


def _wire_directory(found: ListedDirectory, groups: dict[tuple[int, int], int]) -> Directory:
    entries = [_wire_entry(entry, groups) for entry in found.entries]
    return Directory(found.path, _wire_entry(found.itself, groups), entries, found.is_complete)


def _wire_entry(entry: ListedEntry, groups: dict[tuple[int, int], int]) -> Entry:
    """Return it for the wire; files with several names get numbers of their own in `groups`."""
    facts, group = entry.facts, 0
    is_file = stat.S_ISREG(facts.st_mode)
    if is_file and facts.st_nlink > 1:
        group = groups.setdefault((facts.st_dev, facts.st_ino), len(groups) + 1)
    return Entry(
        name=os.fsencode(entry.name),
        mode=facts.st_mode,
        uid=facts.st_uid,
        gid=facts.st_gid,
        mtime_ns=facts.st_mtime_ns,
        size=facts.st_size if is_file else facts.st_rdev,
        target=entry.target,
        group=group,
        attributes=[(os.fsencode(name), value) for name, value in entry.attributes.items() if name != _LEFT_OUT],
    )


class _Sender:
    """Sends part after part of one tree."""

    def __init__(
        self, channel: DataChannel, root: int, options: SendOptions, progress: Progress, cancelled: Cancelled
    ) -> None:
        self._channel, self._root = channel, root
        self._progress, self._cancelled = progress, cancelled
        self._out, self._in = StreamWriter(channel), StreamReader(channel)
        self._pieces = _Pieces(self._out, options)
        self._started_bytes = self._shown_bytes = channel.sent_bytes
        self._seed = 0

    def send(self, part: Part, paths: list[bytes]) -> None:
        """Send the list and what is wanted of it."""
        self._channel.send_document(encode_part(part))
        sizes = [entry.size for each in part.directories for entry in each.entries]
        self._seed = int.from_bytes(self._in.read(SEED_BYTES), "big")
        while (request := self._in.read_or_end(REQUEST.size)) is not None:
            number, sums = REQUEST.unpack(request)
            if number >= len(paths):
                raise MigrationError(f"The other server wants entry {number} of {len(paths)}")
            self._send_file(paths[number], sizes[number], sums)
            self._check()
        self._out.end()
        self._check()

    def _check(self) -> None:
        if self._cancelled():
            raise CancelledOperationError("Operation cancelled")
        if self._channel.sent_bytes >= self._shown_bytes + BUFFER_BYTES:
            self._shown_bytes = self._channel.sent_bytes
            self._progress(self._shown_bytes - self._started_bytes)

    def _send_file(self, path: bytes, size: int, sums: int) -> None:
        """Send a file up to the size that was listed: what grows meanwhile is a matter of the next time."""
        try:
            descriptor = open_file_beneath(self._root, path, os.O_RDONLY | os.O_NOATIME)
        except OSError as error:
            if error.errno not in VANISHED:
                raise OSError(error.errno, error.strerror, os.fsdecode(path)) from error
            self._skip_sums(sums)
            self._out.write(PIECE.pack(Kind.GONE, 0, 0))
            return
        try:
            size = min(size, os.fstat(descriptor).st_size)
            self._pieces.begin()
            if sums:
                self._send_differences(descriptor, size, sums)
            else:
                self._send_whole(descriptor, size)
        finally:
            os.close(descriptor)
        self._out.write(PIECE.pack(Kind.END, 0, size))

    def _send_whole(self, descriptor: int, size: int) -> None:
        position = 0
        while position < size:
            try:
                start = os.lseek(descriptor, position, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return
                raise
            end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
            for place in range(start, end, PIECE_BYTES):
                data = os.pread(descriptor, min(PIECE_BYTES, end - place), place)
                self._pieces.send(memoryview(data), place)
                self._check()
            position = max(end, start + 1)

    def _send_differences(self, descriptor: int, size: int, sums: int) -> None:
        """Send the blocks whose sum isn't that of the target's, and those that it has none for."""
        for start in range(0, size, PIECE_BYTES):
            data = memoryview(os.pread(descriptor, min(PIECE_BYTES, size - start), start))
            wanted: list[int] = []
            for place in range(0, len(data), BLOCK_BYTES):
                if sums:
                    sums -= 1
                    known = self._in.read(SUM_BYTES)
                    if known == block_sum(data[place : place + BLOCK_BYTES], self._seed):
                        continue
                wanted.append(place)
            for first, end in _runs(wanted, len(data)):
                self._pieces.send(data[first:end], start + first)
            self._check()
        self._skip_sums(sums)

    def _skip_sums(self, sums: int) -> None:
        for _ in range(sums):
            self._in.read(SUM_BYTES)


def _runs(places: list[int], end: int) -> Iterator[tuple[int, int]]:
    """Join blocks that follow each other to pieces."""
    first: int | None = None
    for place in places:
        first = place if first is None else first
        if place + BLOCK_BYTES not in places:
            yield first, min(place + BLOCK_BYTES, end)
            first = None


class _Pieces:
    """Sends data as what takes the least time, and no faster than allowed.

    Compressed, if that makes it smaller and the line is slow enough for it to count: a fast one is only held up by it.
    """

    def __init__(self, out: StreamWriter, options: SendOptions) -> None:
        self._out, self._bytes_per_s = out, options.bytes_per_s
        self._compressor = zstandard.ZstdCompressor(level=1) if options.compress else None
        self._untried = 0
        self._free_at_s = time.monotonic()

    def begin(self) -> None:
        """Begin a file: it may be of another kind than the one before."""
        self._untried = min(self._untried, 1)

    def send(self, data: memoryview, place: int) -> None:
        if data == _ZEROS[: len(data)]:
            self._out.write(PIECE.pack(Kind.ZERO, len(data), place))
            return
        kind, sent = self._compressed(data)
        self._out.write(PIECE.pack(kind, len(sent), place), sent)
        self._wait(len(sent))

    def _compressed(self, data: memoryview) -> tuple[Kind, bytes | memoryview]:
        if self._compressor is None:
            return Kind.DATA, data
        if self._untried:
            self._untried -= 1
            return Kind.DATA, data
        begun_s = time.monotonic()
        compressed = self._compressor.compress(data)
        taken_s, saved_bytes = time.monotonic() - begun_s, len(data) - len(compressed)
        if len(compressed) >= len(data) * _WORTHWHILE:
            self._untried = _PIECES_UNTRIED
            return Kind.DATA, data
        line_s_per_byte = self._out.line_s_per_byte
        if line_s_per_byte is not None and saved_bytes * line_s_per_byte < taken_s:
            self._untried = _PIECES_OF_A_FAST_LINE
        return Kind.ZSTD, compressed

    def _wait(self, sent_bytes: int) -> None:
        if self._bytes_per_s:
            now_s = time.monotonic()
            self._free_at_s = max(self._free_at_s, now_s - 1) + sent_bytes / self._bytes_per_s
            time.sleep(max(0.0, self._free_at_s - now_s))
