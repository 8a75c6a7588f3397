"""Large blocks as the chunks of an answer's body: straight into a plain socket, by the transport where it encrypts.

A transport copies what it can't send at once, and moves it again with each piece that goes; a socket takes it as it is.
Nothing else may write to the connection meanwhile, and the transport's own buffer is empty before the first block.
"""

from __future__ import annotations

import contextlib
import os
import socket
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from holdfast.server.descriptor_io import write_all

_SO_SNDBUFFORCE: Final = 32
_SLICE_BYTES: Final = 256 * 1024
"""What TLS gets at once; measured best of 64 KiB to 1 MiB."""
_SOCKET_BYTES: Final = 1024 * 1024
"""What the kernel may hold of an answer: as much as a block, so that one is handed on in few pieces."""


class BlockOutput:
    """The body of one prepared, chunked answer. A context manager."""

    def __init__(self, http: web.Request, answer: web.StreamResponse) -> None:
        self._http, self._answer = http, answer
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def write(self, block: bytes) -> None:
        """Send one block; raise `ConnectionError` once the client has gone."""
        if self._socket is not None:
            await self._write_past(block)
            return
        transport = self._http.transport
        if transport is None:
            raise ConnectionResetError("The client has gone")
        if transport.get_extra_info("sslcontext") is not None:
            # With a limit of zero, a transport that encrypts stops for good: an empty buffer is full then.
            transport.set_write_buffer_limits(high=1, low=0)
            for begin in range(0, len(block), _SLICE_BYTES):
                await self._answer.write(memoryview(block)[begin : begin + _SLICE_BYTES])
            return
        transport.set_write_buffer_limits(high=0)  # so that the buffer is empty after the write
        await self._answer.write(block)
        if not transport.is_closing():
            self._socket = _own_end(transport.get_extra_info("socket"))

    def break_off(self) -> None:
        """Cut the connection at once; what waits to write gets an error."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._http.transport is not None:
            self._http.transport.abort()

    async def _write_past(self, block: bytes) -> None:
        assert self._socket is not None
        for piece in (f"{len(block):x}\r\n".encode(), block, b"\r\n"):
            if not await write_all(self._socket.fileno(), piece):
                raise ConnectionResetError("The client has gone")


def _own_end(transport_socket: socket.socket) -> socket.socket:
    """Return a socket of ours for the same connection: the event loop gives nobody else that of a transport."""
    own = socket.socket(fileno=os.dup(transport_socket.fileno()))
    own.setblocking(False)
    with contextlib.suppress(OSError):  # only root may have so much
        own.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _SOCKET_BYTES)
    return own
