"""What a server sends before it closes at once arrives, even where there is nobody left to answer to."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from pathlib import Path

from holdfast.client.connection import Connection
from holdfast.client.endpoints import UnixEndpoint
from holdfast.client.websocket import open_websocket

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _serve(listener: socket.socket) -> None:
    """Upgrade one connection, send a message and a farewell in one piece, and close."""
    with listener.accept()[0] as connection:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(4096)
        key = next(line[18:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        connection.sendall(b"\x82\x04done\x88\x02\x03\xe8")


def test_the_last_word_arrives(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / str(number)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            server = threading.Thread(target=_serve, args=(listener,))
            server.start()
            opened = open_websocket(Connection(UnixEndpoint(str(path))), "/", {})
            server.join()
            assert opened.receive(60) == b"done"
            opened.close()
