"""A proxy between a client and a server that cuts connections in the middle of what is sent.

Addresses are paths of unix sockets, or ports of 127.0.0.1.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CHUNK = 16 * 1024


class CuttingProxy:
    """Listens at `path`. `limits` gives for each connection how many bytes may go to the server, and come back.

    What has more of them is cut; None: all may pass.
    """

    def __init__(self, path: Path | int, server: Path | int, limits: Iterator[tuple[int | None, int | None]]) -> None:
        self.path, self._server, self._limits = path, server, limits
        self.cuts = 0
        self._lock = threading.Lock()
        self._listener = _socket_for(path)
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> CuttingProxy:
        self._listener.bind(_address(self.path))
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        if isinstance(self.path, Path):
            self.path.unlink()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            limits = next(self._limits, (None, None))
            threading.Thread(target=self._serve, args=(client, *limits), daemon=True).start()

    def _serve(self, client: socket.socket, sent: int | None, answered: int | None) -> None:
        with client, _socket_for(self._server) as server:
            try:
                server.connect(_address(self._server))
            except OSError:
                return  # as if nobody listened
            answers = threading.Thread(target=self._pass, args=(server, client, answered), daemon=True)
            answers.start()
            self._pass(client, server, sent)
            answers.join()

    def _pass(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        if _pump(source, target, limit):
            return
        with self._lock:
            self.cuts += 1
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> bool:
    """Pass bytes on until the end; return False where they were more than the limit."""
    left = limit
    while True:
        try:
            data = source.recv(_CHUNK if left is None else min(_CHUNK, left + 1))
        except OSError:
            data = b""
        if left is not None and len(data) > left:
            with suppress(OSError):
                target.sendall(data[:left])
            return False
        if not data:
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
            return True
        left = None if left is None else left - len(data)
        with suppress(OSError):
            target.sendall(data)


def _socket_for(place: Path | int) -> socket.socket:
    if isinstance(place, Path):
        return socket.socket(socket.AF_UNIX)
    made = socket.socket(socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the end of an old connection may still have the port
    return made


def _address(place: Path | int) -> str | tuple[str, int]:
    return str(place) if isinstance(place, Path) else ("127.0.0.1", place)
