"""One thread reads while another writes, and not a byte is lost."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import socket
import ssl
import threading
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
        stream = TlsEndpoint("127.0.0.1", port, files.pem).open_duplex(10)

        def send() -> None:
            for _ in range(BLOCKS):
                stream.sendall(BLOCK)

        writer = threading.Thread(target=send)
        writer.start()
        digest, left = hashlib.sha256(), BLOCKS * len(BLOCK)
        while left:
            # As a websocket does: what is decrypted already must not wait for more to come.
            assert select.select([stream], [], [], 60)[0], f"{left} bytes never came"
            data = stream.recv(65536)
            digest.update(data)
            left -= len(data)
        writer.join()
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(1) == b"", "the echo ends as its client does"
        stream.close()
    assert digest.digest() == hashlib.sha256(BLOCK * BLOCKS).digest()


def test_an_end_that_comes_together_with_the_last_bytes_is_seen_though_the_connection_stays(tmp_path: Path) -> None:
    """Who waits for the other side to close would wait in vain, if it waits for the answer to its farewell itself."""
    files = server_files(tmp_path)
    has_ended, is_seen = threading.Event(), threading.Event()

    def end(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"farewell")
        connection.setblocking(False)
        with contextlib.suppress(ssl.SSLWantReadError):
            connection.unwrap()
        has_ended.set()
        is_seen.wait(60)

    with tls_server(files, end) as port:
        stream = TlsEndpoint("127.0.0.1", port, files.pem).open_duplex(10)
        assert has_ended.wait(60)
        try:
            assert stream.recv(65536) == b"farewell"
            assert select.select([stream], [], [], 10)[0], "the end is never seen"
            assert stream.recv(65536) == b""
        finally:
            is_seen.set()
            stream.close()
