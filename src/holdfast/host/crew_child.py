"""One process of a `Crew`: copies the directories it is told to, until its socket is closed."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Final

from holdfast.host.crew_messages import receive, send
from holdfast.host.tree_copy import Linked, TreeCopy

_REPORT_BYTES: Final = 16 * 1024 * 1024
"""How much is done between two reports of progress."""


class _Counter:
    def __init__(self, peer: socket.socket) -> None:
        self._peer, self._bytes = peer, 0

    def count(self, size_bytes: int) -> None:
        self._bytes += size_bytes
        if self._bytes >= _REPORT_BYTES:
            self.report()

    def report(self) -> None:
        if self._bytes:
            send(self._peer, ("count", self._bytes))
            self._bytes = 0


def main(arguments: Sequence[str]) -> None:
    """Arguments are descriptors: the socket, the roots of source and target, those of a twin and a relative or ""."""
    number, source, target = map(int, arguments[:3])
    twin, relative = (int(each) if each else None for each in arguments[3:])
    os.umask(0)
    with socket.socket(fileno=number) as peer:
        counter = _Counter(peer)
        copy = TreeCopy(source, target, twin, relative, check=_go_on, count=counter.count)
        while (request := receive(peer)) is not None:
            try:
                below, linked = _obey(copy, request)
            except OSError as error:
                send(peer, ("failed", error.errno, error.strerror, error.filename))
            else:
                counter.report()
                send(peer, ("done", below, linked))


def _obey(copy: TreeCopy, request: Sequence[object]) -> tuple[list[bytes], list[Linked]]:
    if request[0] == "dress":
        copy.dress()
        return [], []
    path = request[1]
    assert isinstance(path, bytes)
    return copy.copy(path)


def _go_on() -> None:
    """Never stop by itself: the parent kills."""
