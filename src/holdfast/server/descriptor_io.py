"""Non-blocking reading and writing of pipes and terminals in the event loop, without threads or buffers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from typing import Final

CHUNK_BYTES: Final = 256 * 1024
"""One message on a websocket: large enough that the cost of each vanishes."""
PIPE_BYTES: Final = 1024 * 1024
"""What a pipe may hold (the kernel's limit for other users): fewer changes between command and server."""
_ENDED: Final = (errno.EIO, errno.EBADF, errno.EPIPE)
"""What a terminal or pipe whose other side has gone says."""


class EndSignal:
    """Says that a command has ended, and wakes those who wait for its output."""

    def __init__(self) -> None:
        self._has_come = False
        self._sleepers: set[asyncio.Event] = set()

    def set(self) -> None:
        self._has_come = True
        for sleeper in self._sleepers:
            sleeper.set()

    def is_set(self) -> bool:
        return self._has_come

    @contextlib.contextmanager
    def waking(self, sleeper: asyncio.Event) -> Iterator[None]:
        self._sleepers.add(sleeper)
        try:
            yield
        finally:
            self._sleepers.discard(sleeper)


async def read_some(descriptor: int, ended: EndSignal) -> bytes:
    """Return what is there, waiting for something; b"" at the end of the stream.

    Once `ended` is set, what is there is still read, but no more waited for: a command's child that keeps the stream
    open must not keep the client.
    """
    while True:
        try:
            return os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            if ended.is_set():
                return b""
            await _readable_or(descriptor, ended)
        except OSError as error:
            if error.errno in _ENDED:
                return b""
            raise


async def write_all(descriptor: int, data: bytes) -> bool:
    """Write everything; False if nobody reads any more."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            await _writable(descriptor)
        except OSError as error:
            if error.errno in _ENDED:
                return False
            raise
    return True


async def _readable_or(descriptor: int, ended: EndSignal) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        with ended.waking(readable):
            await readable.wait()
    finally:
        loop.remove_reader(descriptor)


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(descriptor, writable.set)
    try:
        await writable.wait()
    finally:
        loop.remove_writer(descriptor)


class Descriptors:
    """Descriptors that one session owns: each is closed once, whatever happens."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def pipe(self) -> tuple[int, int]:
        """Return the reading and the writing end of a new pipe."""
        ends = os.pipe2(os.O_CLOEXEC)
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._open.update(ends)
        return ends

    def adopt(self, descriptor: int) -> int:
        self._open.add(descriptor)
        return descriptor

    def close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor in self._open:
                self._open.discard(descriptor)
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def close_all(self) -> None:
        self.close(*tuple(self._open))
