"""Read trees with GNU tar, and hand on its stream without the end mark, so that several make up one archive."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from holdfast.archive.members import END
from holdfast.archive.prefetch import prefetching
from holdfast.host.processes import PIPE, pipe
from holdfast.model.errors import CancelledOperationError, StorageError
from holdfast.streams.copy import BUFFER_BYTES, Cancelled, Progress, Sink, never, write_all

_TAR_ARGUMENTS: Final = (
    "--create",
    "--file=-",
    "--blocking-factor=1",
    "--format=posix",
    "--pax-option=delete=atime,delete=ctime",
    "--xattrs",
    "--xattrs-include=*",
    "--sparse",
    "--numeric-owner",
    "--sort=name",
    "--warning=no-file-ignored",
)
_CHANGED_WHILE_READ: Final = 1
_VANISHED: Final = (b"Cannot stat: No such file", b"File removed before we read it", b"Cannot open: No such file")

logger = logging.getLogger(__name__)


def pack_entries(
    tree: Path,
    names: Sequence[str],
    prefix: str,
    sink: Sink,
    *,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Append the named entries of the tree, each below `prefix`; return the bytes written.

    Files that change or vanish while they are read are left to a warning in the log, as a running instance does that.
    Every other trouble raises `StorageError`. `progress` gets the bytes so far.
    """
    if not names:
        return 0
    escaped = prefix.replace("\\", "\\\\").replace("&", "\\&")
    transform = f"--transform=s\x01^\x01{escaped}\x01rSh"
    argv = ["tar", *_TAR_ARGUMENTS, transform, f"--directory={tree}", "--", *names]
    with prefetching(tree, names) as prefetcher, pipe(argv, stdout=PIPE, env={"TAR_OPTIONS": ""}) as process:

        def report(done: int) -> None:
            prefetcher.packed(done)
            if progress is not None:
                progress(done)

        _widen(process.stdout)
        moved = _move_without_end(process.stdout, sink, report, cancelled)
        code = process.wait(allowed_codes=(0, 1, 2))
        _judge(tree, code, process.stderr)
    return moved


def _judge(tree: Path, code: int, stderr: str) -> None:
    lines = [line for line in stderr.encode().splitlines() if b"Exiting with failure status" not in line]
    harmless = code == _CHANGED_WHILE_READ or all(any(sign in line for sign in _VANISHED) for line in lines)
    if code and not (harmless and lines):
        raise StorageError(f"Reading {tree} failed: {stderr.strip()[-1000:]}")
    if code:
        logger.warning("files of %s changed while they were read: %s", tree, stderr.strip()[-1000:])


def _widen(stream: IO[bytes]) -> None:
    """Let tar run ahead of a slow compressor; the default pipe holds 64 KiB."""
    fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, BUFFER_BYTES)


def _move_without_end(source: IO[bytes], sink: Sink, progress: Progress, cancelled: Cancelled) -> int:
    """Copy all but the two zero blocks at the end, which prove that tar came to its end."""
    held = len(END)
    buffer = memoryview(bytearray(held + BUFFER_BYTES))
    filled = moved = 0
    while count := os.readv(source.fileno(), [buffer[filled:]]):
        if cancelled():
            raise CancelledOperationError("Operation cancelled")
        filled += count
        ready = filled - held
        if ready > 0:
            write_all(sink, buffer[:ready])
            moved += ready
            buffer[:held] = bytes(buffer[ready:filled])
            filled = held
            progress(moved)
    if bytes(buffer[:filled]) != END:
        raise StorageError("tar ended without an end mark")
    return moved
