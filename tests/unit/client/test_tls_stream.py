"""One thread reads while another writes, and not a byte is lost."""

from __future__ import annotations

import hashlib
import os
import select
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

from holdfast.client.endpoints import TlsEndpoint
from support.tls_server import server_files, tls_server

BLOCK = os.urandom(1024 * 1024 + 7)
BLOCKS = 24


def test_both_directions_at_once(tmp_path: Path) -> None:
    files = server_files(tmp_path)

    def echo(connection: ssl.SSLSocket) -> None:
        while data := connection.recv(65536):
            connection.sendall(data)

    with tls_server(files, echo) as port:
        stream = TlsEndpoint("127.0.0.1", port, files.pem).open_duplex(60)

        def send() -> None:
            for _ in range(BLOCKS):
                stream.sendall(BLOCK)

        writer = threading.Thread(target=send)
        writer.start()
        digest, left = hashlib.sha256(), BLOCKS * len(BLOCK)
        while left:
            # As a websocket does: what is decrypted already must not wait for more to come.
            assert select.select([stream], [], [], 120)[0], f"{left} bytes never came"
            data = stream.recv(65536)
            digest.update(data)
            left -= len(data)
        writer.join()
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(1) == b"", "the echo ends as its client does"
        stream.close()
    assert digest.digest() == hashlib.sha256(BLOCK * BLOCKS).digest()


def test_an_end_that_comes_with_the_last_bytes_is_not_overlooked(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    is_seen = threading.Event()

    def say_farewell(connection: ssl.SSLSocket) -> None:
        # In one packet; the connection itself stays until the client has seen it, as asyncio does it.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, True)
        connection.sendall(b"last")
        connection.setblocking(False)
        with suppress(ssl.SSLWantReadError):
            connection.unwrap()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, False)
        is_seen.wait(120)

    with tls_server(files, say_farewell) as port:
        stream = TlsEndpoint("127.0.0.1", port, files.pem).open_duplex(60)
        try:
            assert stream.recv(65536) == b"last"
            assert select.select([stream], [], [], 120)[0], "nothing tells of the end"
            assert stream.recv(65536) == b""
        finally:
            is_seen.set()
            stream.close()
