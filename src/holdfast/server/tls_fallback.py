"""TLS by pyOpenSSL behind asyncio, by public interfaces alone: for a Python in which `tls_context` can't patch `ssl`.

asyncio asks a context for `wrap_bio` and the result for some methods of an `SSLObject`; that is all it takes.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, NoReturn, cast

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

_SLICE_BYTES: Final = 64 * 1024
"""Larger writes are much slower: OpenSSL's memory grows and moves."""
_MOVED_BYTES: Final = 256 * 1024


def fallback_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context that takes any client, with the interface of the standard library's."""
    inner = SSL.Context(SSL.TLS_SERVER_METHOD)
    inner.set_min_proto_version(SSL.TLS1_2_VERSION)
    inner.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    try:
        inner.use_certificate_chain_file(str(certificate))
        inner.use_privatekey_file(str(key))
        inner.check_privatekey()
    except SSL.Error as error:
        raise ssl.SSLError(f"the certificate or its key can't be read: {error}") from error
    inner.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    inner.set_session_id(b"holdfast")  # without one OpenSSL ends resumed sessions of clients with certificates
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.inner = inner
    return context


class _Context(ssl.SSLContext):
    inner: SSL.Context

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        connection = SSL.Connection(self.inner, None)
        connection.set_accept_state()
        return cast(ssl.SSLObject, _Object(self, connection, incoming, outgoing))


class _Object:
    def __init__(
        self, context: _Context, connection: SSL.Connection, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self.context, self._connection = context, connection
        self._incoming, self._outgoing = incoming, outgoing
        self.session, self.session_reused, self.server_side = None, False, True

    def do_handshake(self) -> None:
        self._take_in()
        try:
            self._connection.do_handshake()
        except SSL.Error as error:
            self._fail(error)
        finally:
            self._give_out()

    def read(self, size: int = 1024, buffer: bytearray | memoryview | None = None) -> bytes | int:
        self._take_in()
        try:
            if buffer is not None:
                return int(self._connection.recv_into(buffer, min(size, len(buffer))))
            return bytes(self._connection.recv(size))
        except SSL.Error as error:
            if isinstance(error, SSL.ZeroReturnError):
                return 0 if buffer is not None else b""
            self._fail(error)
        finally:
            self._give_out()

    def write(self, data: bytes | memoryview) -> int:
        self._take_in()
        try:
            return int(self._connection.send(bytes(memoryview(data)[:_SLICE_BYTES])))
        except SSL.Error as error:
            self._fail(error)
        finally:
            self._give_out()

    def unwrap(self) -> None:
        self._take_in()
        try:
            if not self._connection.shutdown():
                raise ssl.SSLWantReadError
        except SSL.Error as error:
            self._fail(error)
        finally:
            self._give_out()

    def pending(self) -> int:
        return self._connection.pending()

    def getpeercert(self, binary_form: bool = False) -> bytes | dict[str, object] | None:
        found = self._connection.get_peer_certificate(as_cryptography=True)
        if found is None:
            return None
        return found.public_bytes(Encoding.DER) if binary_form else {}

    def cipher(self) -> tuple[str, str, int] | None:
        name = self._connection.get_cipher_name()
        version, bits = self._connection.get_cipher_version(), self._connection.get_cipher_bits()
        return None if name is None else (name, version or "", bits or 0)

    def compression(self) -> None:
        return None

    def selected_alpn_protocol(self) -> None:
        return None

    def version(self) -> str:
        return self._connection.get_protocol_version_name()

    def _take_in(self) -> None:
        while data := self._incoming.read(_MOVED_BYTES):
            self._connection.bio_write(data)
        if self._incoming.eof:
            self._connection.bio_shutdown()

    def _give_out(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_MOVED_BYTES))
            except SSL.WantReadError:
                return

    def _fail(self, error: SSL.Error) -> NoReturn:
        if isinstance(error, SSL.WantReadError):
            raise ssl.SSLWantReadError from error
        if isinstance(error, SSL.WantWriteError):
            raise ssl.SSLWantWriteError from error
        if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError):
            raise ssl.SSLEOFError(str(error)) from error
        raise ssl.SSLError(str(error)) from error
