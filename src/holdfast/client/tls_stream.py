"""A TLS connection for two threads: one reads while another writes.

A socket of the standard library may not be used so: both threads would be inside one TLS object at a time, which
OpenSSL forbids. Here the object works on memory only, behind a lock, and the network is waited for outside of it.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import Final

_SLICE_BYTES: Final = 64 * 1024
"""What is encrypted at once: larger slices only grow the memory that OpenSSL moves around."""
_RECEIVED_BYTES: Final = 256 * 1024


class TlsStream:
    """Has the methods of a socket that a websocket uses. `recv` returns all that is there, so that waiting for the
    descriptor to become readable never overlooks bytes that have been decrypted already."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext, server_name: str) -> None:
        self._raw = raw
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._inside = threading.Lock()
        """Held while the TLS object works; never while the network is waited for."""
        self._sending = threading.Lock()
        """Held from encrypting to sending, so that records leave in their order."""
        self.family, self.type = raw.family, raw.type

    def handshake(self) -> None:
        """Agree on keys; raise `ssl.SSLError` or `OSError`."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()
            else:
                self._flush()
                return

    def peer_certificate(self) -> bytes | None:
        """Return what the other side has shown, as DER."""
        return self._tls.getpeercert(binary_form=True)

    def recv(self, size: int, /) -> bytes:
        """Return all that has come, at least one byte; b"" at the end. `size` is a hint, and may be exceeded."""
        while True:
            with self._inside:
                found, is_ended = self._decrypted(size)
            if self._outgoing.pending and self._sending.acquire(blocking=False):
                # An answer of TLS itself (new keys); if someone is sending, it goes with what is sent next.
                try:
                    self._send_pending()
                finally:
                    self._sending.release()
            if found and is_ended:
                # The end waits in memory: make the descriptor readable, or who waits for that overlooks it.
                with suppress(OSError):
                    self._raw.shutdown(socket.SHUT_RD)
            if found or is_ended:
                return found
            self._receive()

    def sendall(self, data: bytes | bytearray | memoryview, /) -> None:
        """Send all of it."""
        view = memoryview(data)
        with self._sending:
            while view:
                with self._inside:
                    count = self._tls.write(view[:_SLICE_BYTES])
                view = view[count:]
                self._send_pending()

    def shutdown(self, how: int, /) -> None:
        """Tell the other side that no more comes, in TLS and below it."""
        if how != socket.SHUT_RD and self._sending.acquire(timeout=1):
            try:
                with self._inside, suppress(ssl.SSLError):
                    self._tls.unwrap()  # the other side's farewell isn't awaited
                with suppress(OSError):
                    self._send_pending()
            finally:
                self._sending.release()
        self._raw.shutdown(how)

    def close(self) -> None:
        self._raw.close()

    def fileno(self) -> int:
        return self._raw.fileno()

    def settimeout(self, timeout_s: float | None, /) -> None:
        self._raw.settimeout(timeout_s)

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        self._raw.setsockopt(level, name, value)

    def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
        return self._raw.getsockopt(level, name, size)

    def getsockname(self) -> object:
        return self._raw.getsockname()

    def getpeername(self) -> object:
        return self._raw.getpeername()

    def _decrypted(self, size: int) -> tuple[bytes, bool]:
        """Return what can be decrypted of what has come, and whether that was the end."""
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(max(size, 16 * 1024))
            except ssl.SSLWantReadError:
                return b"".join(pieces), False
            except ssl.SSLZeroReturnError:
                piece = b""
            except ssl.SSLError:
                if pieces:
                    return b"".join(pieces), True  # it comes again when it is asked for more
                raise
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)

    def _receive(self) -> None:
        data = self._raw.recv(_RECEIVED_BYTES)
        with self._inside:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        with self._sending:
            self._send_pending()

    def _send_pending(self) -> None:
        """Send what was encrypted; `_sending` is held."""
        with self._inside:
            data = self._outgoing.read()
        if data:
            self._raw.sendall(data)
