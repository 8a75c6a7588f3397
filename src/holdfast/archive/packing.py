"""Read trees with GNU tar, and hand on its stream without the end mark, so that several make up one archive.

tar writes large records, as small ones take ten times as long. It fills the last one up with zeros, and a file may well
end with zeros, too; so an empty file of ours comes last, whose header shows where the tree ended.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from holdfast.archive.members import BLOCK, END
from holdfast.archive.prefetch import prefetching
from holdfast.host.processes import PIPE, pipe
from holdfast.model.errors import CancelledOperationError, StorageError
from holdfast.streams.copy import BUFFER_BYTES, Cancelled, Progress, Sink, never, write_all

_RECORD_BLOCKS: Final = 256
_TAR_ARGUMENTS: Final = (
    "--create",
    "--file=-",
    f"--blocking-factor={_RECORD_BLOCKS}",
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
    instead_of: str = "",
    left_out: Iterable[str] = (),
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> int:
    """Append the named entries of the tree, each below `prefix`; return the bytes written.

    `instead_of` is what `prefix` takes the place of, if it isn't put before whole names: the beginning of every name.

    `left_out` are paths in the tree, taken letter by letter, that stay out with all that is below them.
    Files that change or vanish while they are read are left to a warning in the log, as a running instance does that.
    Every other trouble raises `StorageError`. `progress` gets the bytes so far.
    """
    if not names:
        return 0
    with ExitStack() as stack:
        mark = stack.enter_context(_mark())
        options = (
            *_TAR_ARGUMENTS,
            *stack.enter_context(_excluding(left_out)),
            _transform(instead_of, prefix, mark.name),
        )
        files = [f"--add-file={name}" for name in names]
        last = (f"--directory={mark.parent}", f"--add-file={mark.name}")
        argv = ["tar", *options, f"--directory={tree}", *files, *last]
        prefetcher = stack.enter_context(prefetching(tree, names))
        process = stack.enter_context(pipe(argv, stdout=PIPE, env={"TAR_OPTIONS": ""}))

        def report(done: int) -> None:
            prefetcher.packed(done)
            if progress is not None:
                progress(done)

        moved = _move_up_to_mark(process.stdout, mark.name, sink, report, cancelled)
        code = process.wait(allowed_codes=(0, 1, 2))
        _judge(tree, code, process.stderr)
    return moved


def pack_folder(
    folder: Path, name: str, sink: Sink, *, progress: Progress | None = None, cancelled: Cancelled = never
) -> None:
    """Write a whole archive that holds a directory as `name`, with all that is below it."""
    pack_entries(folder, ["."], name, sink, instead_of=".", progress=progress, cancelled=cancelled)
    write_all(sink, END)


@contextmanager
def _excluding(left_out: Iterable[str]) -> Iterator[list[str]]:
    """Give tar's arguments. A list in a file is read line by line and without spaces at the end of a line."""
    with os.fdopen(os.memfd_create("left-out", os.MFD_CLOEXEC), "wb") as listed:
        odd = []
        for path in left_out:
            if "\n" in path or path != path.rstrip():
                odd.append(f"--exclude={path}")
            else:
                listed.write(os.fsencode(path) + b"\n")
        listed.flush()
        is_empty = not odd and not listed.tell()
        listing = f"--exclude-from=/proc/{os.getpid()}/fd/{listed.fileno()}"
        yield [] if is_empty else ["--anchored", "--no-wildcards", listing, *odd]


def _judge(tree: Path, code: int, stderr: str) -> None:
    lines = [line for line in stderr.encode().splitlines() if b"Exiting with failure status" not in line]
    harmless = code == _CHANGED_WHILE_READ or all(any(sign in line for sign in _VANISHED) for line in lines)
    if code and not (harmless and lines):
        raise StorageError(f"Reading {tree} failed: {stderr.strip()[-1000:]}")
    if code:
        logger.warning("files of %s changed while they were read: %s", tree, stderr.strip()[-1000:])


@contextmanager
def _mark() -> Iterator[Path]:
    """Give an empty file with a name that nobody can guess."""
    with tempfile.TemporaryDirectory(prefix="holdfast-end-") as directory:
        mark = Path(directory) / f"end-{secrets.token_hex(16)}"
        mark.touch(0o600)
        os.utime(mark, (0, 0))  # a time that needs no extended header
        yield mark


def _transform(before: str, prefix: str, mark: str) -> str:
    """Put everything below the prefix, apart from the mark; names of links' targets stay as they are."""
    escaped = prefix.replace("\\", "\\\\").replace("&", "\\&")
    return f"--transform=s\x01^{re.escape(before)}\x01{escaped}\x01rSh;s\x01^.*/{mark}$\x01{mark}\x01rSh"


def _move_up_to_mark(source: IO[bytes], mark: str, sink: Sink, progress: Progress, cancelled: Cancelled) -> int:
    """Copy what comes before the mark's header; behind that is nothing but zeros, up to a whole record."""
    held = (_RECORD_BLOCKS + 3) * BLOCK
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
    last = len(bytes(buffer[:filled]).rstrip(b"\0"))
    begin = max(last - 1, 0) // BLOCK * BLOCK
    if (moved + filled) % BLOCK or not bytes(buffer[begin:filled]).startswith(mark.encode() + b"\0"):
        raise StorageError("tar ended before its end")
    write_all(sink, buffer[:begin])
    progress(moved + begin)
    return moved + begin
