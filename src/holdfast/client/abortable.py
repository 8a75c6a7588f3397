"""Connections that another thread can end: a cancelled transfer must not wait for a server that says nothing."""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress

from holdfast.client.endpoints import Endpoint


class AbortableEndpoint:
    """An endpoint whose connections for requests all break, and can't be opened any more, once `abort` was called."""

    def __init__(self, inner: Endpoint) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._opened: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._is_aborted = False

    @property
    def host(self) -> str:
        return self._inner.host

    @property
    def url(self) -> str:
        return self._inner.url

    def open(self, timeout_s: float | None = None) -> socket.socket:
        return self._watched(self._inner.open(timeout_s))

    def open_duplex(self, timeout_s: float | None = None) -> socket.socket:
        """Connect for two threads; such a connection has an `abort` of its own, in its websocket."""
        return self._inner.open_duplex(timeout_s)

    def abort(self) -> None:
        """Have whoever reads or writes find the connection cut."""
        with self._lock:
            self._is_aborted = True
            opened = list(self._opened)
        for each in opened:
            _cut(each)

    def _watched(self, opened: socket.socket) -> socket.socket:
        with self._lock:
            self._opened.add(opened)
            is_aborted = self._is_aborted
        if is_aborted:
            _cut(opened)
        return opened


def _cut(opened: socket.socket) -> None:
    """End it below TLS: what another thread is just doing with the TLS object isn't touched."""
    with suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
