"""A proxy between a client and the server's socket that cuts answers where a test wants it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

Cut = Callable[[bytes], int | None]
"""Is given the head of a request; says after how many bytes of the answer (its head too) to cut, None: never. A
negative number cuts so many bytes before the end."""


class AnswerCutter:
    """Listens on a socket of its own, one request on each connection; remembers the heads of requests."""

    def __init__(self, path: Path, server: Path, cut: Cut) -> None:
        self.path, self._server, self._cut = path, server, cut
        self.heads: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> AnswerCutter:
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(30)
        self.path.unlink()

    def _start(self, work: Callable[..., None], *values: object) -> None:
        thread = threading.Thread(target=work, args=values, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._start(self._serve, self._listener.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._server))
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            self.heads.append(head)
            server.sendall(head)
            self._start(_forward, client, server)
            for data in _kept(server, self._cut(head)):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


def _kept(server: socket.socket, limit: int | None) -> Iterator[bytes]:
    """Yield what may pass of an answer."""
    held = b""
    passed = 0
    while data := server.recv(65536):
        if limit is not None and limit < 0:
            data = held + data
            data, held = data[:limit], data[limit:]
        elif limit is not None:
            data = data[: limit - passed]
        yield data
        passed += len(data)
        if passed == limit:
            return


def _forward(client: socket.socket, server: socket.socket) -> None:
    """Hand on the rest of the request, and that the client has gone."""
    with suppress(OSError):
        while data := client.recv(65536):
            server.sendall(data)
        server.shutdown(socket.SHUT_RDWR)
