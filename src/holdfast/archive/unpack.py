"""Put the checked entries of one tree on disk: GNU tar in a confined process, fed with headers of our own making."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from holdfast.archive.lost_attributes import LostAttributes
from holdfast.archive.members import BLOCK, END, Kind, Member
from holdfast.archive.tarstream import TarStream
from holdfast.host.beneath import directory
from holdfast.host.confine import confined
from holdfast.host.early_writing import EarlyWriting
from holdfast.host.failures import WORDS, shortage
from holdfast.host.processes import PIPE, Listener, Process, pipe
from holdfast.host.writing_out import WritingOut
from holdfast.model.errors import CommandError, NoSpaceError, StorageError
from holdfast.streams.copy import write_all

_RECORD_BLOCKS: Final = 256
"""What tar takes at once."""
_TAR_ARGUMENTS: Final = (
    "--extract",
    "--file=-",
    "--read-full-records",
    f"--blocking-factor={_RECORD_BLOCKS}",
    "--numeric-owner",
    "--same-owner",
    "--same-permissions",
    "--xattrs",
    "--xattrs-include=*",
    "--delay-directory-restore",
    "--warning=no-timestamp",
)


_GATHERED_BYTES: Final = 128 * 1024
"""Most files are small: a call for each of their pieces would cost more than the work on them."""

_SHORT_WRITE: Final = "Wrote only"
"""How tar words one; what ended it, it doesn't say."""


class TreeUnpacker:
    """Takes the entries of one tree in order. Made by `unpacking`."""

    def __init__(self, descriptor: int, tick: Callable[[], None], early: EarlyWriting) -> None:
        self._descriptor, self._tick, self._early = descriptor, tick, early
        self._gathered = bytearray()

    def write(self, data: memoryview | bytes) -> int:
        """Take bytes for tar (the sink of `TarStream.copy_data`); small pieces are gathered."""
        if len(self._gathered) + len(data) > _GATHERED_BYTES:
            self.flush()
        if len(data) > _GATHERED_BYTES:
            self._hand_over(data)
        else:
            self._gathered += data
        return len(data)

    def flush(self) -> None:
        """Hand everything taken so far to tar."""
        gathered, self._gathered = self._gathered, bytearray()
        self._hand_over(memoryview(gathered))

    def add(self, member: Member, stream: TarStream) -> None:
        """Unpack the entry that the stream stands at."""
        write_all(self, member.encode())
        self._early.begins(member.name if member.kind is Kind.FILE else b"")
        stream.copy_data(self)
        self._early.ends()

    def _hand_over(self, data: memoryview | bytes) -> None:
        left = memoryview(data)
        while left:
            self._tick()
            count = os.write(self._descriptor, left)
            left = left[count:]
            self._early.handed(count)


@contextmanager
def _tar(target: Path, listener: Listener, *, is_confined: bool) -> Iterator[Process]:
    if is_confined:
        with confined("tar", _TAR_ARGUMENTS, target, stdin=PIPE, listener=listener) as process:
            yield process
    else:
        argv, env = ["tar", *_TAR_ARGUMENTS], {"TAR_OPTIONS": ""}
        with pipe(argv, cwd=target, stdin=PIPE, env=env, listener=listener) as process:
            yield process


@contextmanager
def unpacking(
    target: Path, tick: Callable[[], None] = lambda: None, *, is_confined: bool = True
) -> Iterator[TreeUnpacker]:
    """Unpack into the directory; all of it is there when the body has ended well. `tick` is called at each piece.

    Only root can confine a process; who is not root may unpack what was filtered into an empty directory without it.

    Raises `NoSpaceError` for a full disk, `QuotaError` where only the directory's own size is used up, `StorageError`
    with tar's words for everything else it stumbles over; for an attribute that can't be set, see `lost_attributes`.
    """
    lost = LostAttributes()
    try:
        with (
            directory(target) as root,
            WritingOut() as out,
            _tar(target, lost.read, is_confined=is_confined) as process,
        ):
            try:
                pipe_bytes = fcntl.fcntl(process.stdin, fcntl.F_GETPIPE_SZ)
                early = EarlyWriting(root, pipe_bytes + _RECORD_BLOCKS * BLOCK + _GATHERED_BYTES, out)
                unpacker = TreeUnpacker(process.stdin.fileno(), tick, early)
                yield unpacker
                write_all(unpacker, END)
                unpacker.flush()
            except BrokenPipeError:
                process.close()
                process.wait()
                raise
        lost.check(target)
    except BrokenPipeError as error:
        raise StorageError(f"Unpacking into {target} stopped early") from error
    except CommandError as error:
        if lacking := shortage(error.stderr) or (NoSpaceError if _SHORT_WRITE in error.stderr else None):
            raise lacking(f"Unpacking into {target} failed: {WORDS[lacking]}") from error
        first = error.stderr.strip().partition("\n")[0].removeprefix("/usr/bin/tar: ").removeprefix("tar: ")
        raise StorageError(f"Unpacking into {target} failed: {first[:500]}") from error
