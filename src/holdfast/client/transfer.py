"""Bytes between files and the server: counted, whole or not at all, never held in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import BinaryIO, Protocol

from holdfast.client.errors import BrokenConnectionError, ClientError, ShortTransferError
from holdfast.client.whole_file import WholeFile as WholeFile

OnBytes = Callable[[int, int | None], None]
"""Is called with the bytes done and the bytes in all (None: not known)."""
CHUNK_BYTES = 256 * 1024
_SLICES_PER_S = 8
"""A limited transfer moves in so many pieces a second, at least: neither bursts nor crumbs."""


class Readable(Protocol):
    """What is read from, as a file is."""

    def read(self, size: int = -1, /) -> bytes | None: ...


def read_chunks(source: Readable, on_bytes: OnBytes | None = None, total: int | None = None) -> Iterator[bytes]:
    """Yield a file's content in pieces of a fixed size, telling how far it is."""
    done = 0
    while chunk := source.read(CHUNK_BYTES):
        yield chunk
        done += len(chunk)
        if on_bytes:
            on_bytes(done, total)


class Counted:
    """A file that tells how far it is read, whoever reads it."""

    def __init__(self, file: BinaryIO, on_bytes: OnBytes | None, total: int | None) -> None:
        self._file, self._on_bytes, self._total = file, on_bytes, total
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._file.read(size)
        self._done += len(chunk)
        if chunk and self._on_bytes:
            self._on_bytes(self._done, self._total)
        return chunk


class Headed:
    """A file whose first bytes were looked at, and are read again: a pipe can't go back."""

    def __init__(self, file: Counted, head_bytes: int) -> None:
        self._file = file
        self.head = self._rest = _exactly(file, head_bytes)

    def read(self, size: int = -1, /) -> bytes:
        if self._rest:
            taken = self._rest if size < 0 else self._rest[:size]
            self._rest = self._rest[len(taken) :]
            return taken
        return self._file.read(size)


def _exactly(file: Counted, size: int) -> bytes:
    found = b""
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return found


class Pace:
    """Keeps a transfer below a number of bytes per second by waiting after each piece; None: no limit."""

    def __init__(self, bytes_per_s: int | None = None) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at_s = time.monotonic()
        self.piece_bytes = CHUNK_BYTES
        if bytes_per_s is not None:
            self.piece_bytes = max(1, min(CHUNK_BYTES, bytes_per_s // _SLICES_PER_S))

    def moved(self, count: int) -> None:
        """Wait as long as so many bytes take."""
        if self._bytes_per_s is None:
            return
        now_s = time.monotonic()
        self._free_at_s = max(self._free_at_s, now_s - 1 / _SLICES_PER_S) + count / self._bytes_per_s
        if self._free_at_s > now_s:
            time.sleep(self._free_at_s - now_s)


class Body:
    """The body of an answer as a file that is read once; an end before the announced length or end mark raises."""

    def __init__(
        self,
        answer: HTTPResponse,
        name: str,
        on_bytes: OnBytes | None = None,
        *,
        pace: Pace | None = None,
        start: int = 0,
    ) -> None:
        self._answer, self._name, self._on_bytes = answer, name, on_bytes
        self._pace = pace or Pace()
        announced = (answer.headers.get("Content-Length") or "").strip()
        self._total = start + int(announced) if announced.isdecimal() and len(announced) < 20 else None
        self._is_chunked = "chunked" in (answer.headers.get("Transfer-Encoding") or "").lower()
        self._failure: ClientError | None = None
        self.done = start

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at most so many; b"" at the proven end."""
        piece = self._pace.piece_bytes
        with self._failing():
            chunk = self._answer.read(piece if size < 0 else min(size, piece))
            if not chunk:
                self._check_end()
        self._took(len(chunk))
        return chunk

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start, maybe not all of it; return 0 at the proven end."""
        with self._failing():
            count = self._answer.readinto(buffer[: self._pace.piece_bytes])
            if not count:
                self._check_end()
        self._took(count)
        return count

    def lines(self) -> Iterator[bytes]:
        """Yield its lines as they come, up to the proven end."""
        rest = b""
        while True:
            with self._failing():
                chunk = self._answer.read1(CHUNK_BYTES)
                if not chunk:
                    self._check_end()
            self._took(len(chunk))
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            if not chunk:
                return

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what breaks into what it means, and keep that: asked again, the answer would say that it has ended."""
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except (HTTPException, OSError) as error:
            self._failure = self._broken(str(error) or type(error).__name__)
            raise self._failure from error
        except ClientError as error:
            self._failure = error
            raise

    def _took(self, count: int) -> None:
        self.done += count
        if count and self._on_bytes:
            self._on_bytes(self.done, self._total)
        self._pace.moved(count)

    def _check_end(self) -> None:
        if self._total is not None and self.done != self._total:
            raise ShortTransferError(self._name, self.done, self._total)
        if self._total is None and not self._is_chunked:
            raise self._broken("neither its length nor an end mark was sent")

    def _broken(self, reason: str) -> ClientError:
        if self._total is not None:
            return ShortTransferError(self._name, self.done, self._total)
        return BrokenConnectionError(f"the transfer of {self._name}", f"it ended before its end mark ({reason})")


def copy_body(answer: HTTPResponse, target: BinaryIO, name: str, on_bytes: OnBytes | None = None) -> int:
    """Write the body of an answer to `target`; raise when it ends before its announced length or end mark.

    Returns the number of bytes.
    """
    body = Body(answer, name, on_bytes)
    move(body, target)
    return body.done


class Source(Protocol):
    """What gives bytes from a server."""

    def readinto(self, buffer: memoryview, /) -> int: ...


def move(source: Source, target: BinaryIO) -> None:
    """Write all of it to a file."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while count := source.readinto(buffer):
        target.write(buffer[:count])
