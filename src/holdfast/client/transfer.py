"""Bytes between files and the server: counted, whole or not at all, never held in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO

from holdfast.client.errors import BrokenConnectionError, ShortTransferError

OnBytes = Callable[[int, int | None], None]
"""Is called with the bytes done and the bytes in all (None: not known)."""
CHUNK_BYTES = 256 * 1024


def read_chunks(source: BinaryIO, on_bytes: OnBytes | None = None, total: int | None = None) -> Iterator[bytes]:
    """Yield a file's content in pieces of a fixed size, telling how far it is."""
    done = 0
    while chunk := source.read(CHUNK_BYTES):
        yield chunk
        done += len(chunk)
        if on_bytes:
            on_bytes(done, total)


def copy_body(answer: HTTPResponse, target: BinaryIO, name: str, on_bytes: OnBytes | None = None) -> int:
    """Write the body of an answer to `target`; raise when it ends before its announced length or end mark.

    Returns the number of bytes.
    """
    announced = answer.headers.get("Content-Length")
    total = int(announced) if announced else None
    done = 0
    try:
        while chunk := answer.read(CHUNK_BYTES):
            target.write(chunk)
            done += len(chunk)
            if on_bytes:
                on_bytes(done, total)
    except HTTPException as error:
        if total is not None:
            raise ShortTransferError(name, done, total) from error
        raise BrokenConnectionError(f"the transfer of {name}", "it ended before its end mark") from error
    if total is not None and done != total:
        raise ShortTransferError(name, done, total)
    return done


class WholeFile:
    """A file that appears under its name complete and synced, or not at all.

    It is written as `<name>.part` beside its place. Leaving the block with an exception removes it.

    >>> with WholeFile(Path("backup.tar.gz")) as target:
    ...     target.write(b"...")
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> BinaryIO:
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        return self._file

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.rename(self._part, self._path)
        except BaseException:
            self._abandon()
            raise
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _abandon(self) -> None:
        with suppress(OSError):  # a full disk refuses the last flush too; the file goes anyway
            self._file.close()
        self._part.unlink(missing_ok=True)
