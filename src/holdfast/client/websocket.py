"""Websockets, over the server's unix socket or TLS. The library is loaded here and nowhere else: it costs 60 ms."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from functools import cache
from typing import TYPE_CHECKING

from holdfast.client.connection import Connection
from holdfast.client.errors import ApiError, BrokenConnectionError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

OPEN_S = 10.0


class WebSocket:
    """One websocket; it may be read in one thread and written in another."""

    def __init__(self, raw: ClientConnection, farewell: ExitStack) -> None:
        from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

        self._raw = raw
        self._farewell = farewell
        self._cut, self._ended = ConnectionClosed, ConnectionClosedOK

    def messages(self) -> Iterator[bytes | str]:
        """Yield what the server sends until it closes."""
        try:
            yield from self._raw
        except self._cut:
            return  # a server that ends without a farewell has still ended

    def receive(self, timeout_s: float | None = None) -> bytes | str | None:
        """Return the next message, None once the other side has said farewell.

        Raises `BrokenConnectionError` for a connection that was cut, or that brought nothing in time.
        """
        try:
            return self._raw.recv(timeout_s)
        except self._ended:
            return None
        except self._cut as error:
            raise BrokenConnectionError("the websocket", str(error)) from error
        except TimeoutError as error:
            raise BrokenConnectionError("the websocket", f"nothing came for {timeout_s:g} seconds") from error

    def send(self, message: bytes | str) -> bool:
        """Send a binary or a text message; False when the server has closed."""
        try:
            self._raw.send(message)
        except self._cut:
            return False
        return True

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return what the kernel knows of the connection."""
        return self._raw.socket.getsockopt(level, option, size)

    def abort(self) -> None:
        """Cut the connection; whoever waits in it is woken. Callable from any thread."""
        with suppress(OSError):
            self._raw.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say farewell and close."""
        self._farewell.close()


def open_websocket(
    connection: Connection,
    path: str,
    query: dict[str, str],
    *,
    timeout_s: float = OPEN_S,
    largest_message_bytes: int | None = None,
) -> WebSocket:
    """Upgrade a request to a websocket; connecting and upgrading may each take so long."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import ClientConnection, connect

    raw = connection.endpoint.open_duplex(timeout_s)
    farewell = ExitStack()  # the library wants its connections to be used as context managers
    try:
        opened = farewell.enter_context(
            connect(
                f"ws://{connection.endpoint.host}{connection.url(path, query)}",  # what is encrypted is so below
                sock=raw,
                open_timeout=timeout_s,
                compression=None,
                max_size=largest_message_bytes,
                create_connection=_without_losses(ClientConnection),
                ping_interval=None,  # the server sends its own; a data socket of an exec never answers ours
                close_timeout=2,
            )
        )
    except InvalidStatus as error:
        raise ApiError(error.response.status_code, _text_of(error.response.body)) from error
    except (InvalidHandshake, EOFError, OSError) as error:
        raw.close()
        raise BrokenConnectionError(f"the upgrade of {path}", str(error)) from error
    return WebSocket(opened, farewell)


@cache
def _without_losses(base: type[ClientConnection]) -> type[ClientConnection]:
    """Return a connection that keeps what came together with the other side's farewell.

    The library answers a farewell before it hands out what stood in front of it, and loses that if the other side
    doesn't wait for the answer.
    """

    class Patient(base):  # type: ignore[misc, valid-type]  # loaded late, so unknown here
        def send_data(self) -> None:
            is_answer = threading.current_thread() is self.recv_events_thread
            with suppress(OSError) if is_answer else nullcontext():
                super().send_data()

    return Patient


def _text_of(body: bytes | bytearray | None) -> str:
    import json

    try:
        return str(json.loads(body or b"")["error"])
    except (ValueError, KeyError, TypeError):
        return "The server refused the websocket"
