"""The channels of a migration on an operation's websockets, for the service's threads: the other side connects to us.

Frames arrive in the event loop and wait in a queue of bounded size; a full queue keeps the loop from reading on, so
that the sender waits. Frames go out one at a time, and who sends waits for the one before.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, cast

from aiohttp import WSCloseCode, WSMsgType, web

from holdfast.model.errors import CancelledOperationError, MigrationError
from holdfast.server.operation_sockets import Meeting
from holdfast.service.migration_work import FRAME_CAP_BYTES, STALLED_S, shortest_round_trip_s

CONNECT_S: Final = 30.0
"""How long the other side may take to connect; LXD gives 10 s, which loaded machines miss."""
_QUEUE_BYTES: Final = 4 * 1024 * 1024


class MigrationSockets:
    """Implements the connector of a migration; made in the event loop, used in a thread."""

    def __init__(self, names: Sequence[str]) -> None:
        self.meetings = {name: Meeting(largest_message_bytes=FRAME_CAP_BYTES) for name in names}
        self.secrets: Mapping[str, str] = {name: meeting.secret for name, meeting in self.meetings.items()}
        self._loop = asyncio.get_running_loop()
        self._sockets: list[LoopSocket] = []
        self._lock = threading.Lock()
        self._is_aborted = False
        self._waiting: set[concurrent.futures.Future[web.WebSocketResponse]] = set()

    def connect(self, name: str) -> LoopSocket:
        """Wait for the other side."""
        waiting = asyncio.run_coroutine_threadsafe(self._arrival(name), self._loop)
        with self._lock:
            self._waiting.add(waiting)
        if self._is_aborted:
            waiting.cancel()
        try:
            found = LoopSocket(waiting.result(), self._loop)
        except TimeoutError as error:
            raise MigrationError("Timed out waiting for migration connections") from error
        except concurrent.futures.CancelledError as error:
            raise CancelledOperationError("The operation was cancelled") from error
        finally:
            with self._lock:
                self._waiting.discard(waiting)
        with self._lock:
            self._sockets.append(found)
        if self._is_aborted:
            found.abort()
        return found

    def abort(self) -> None:
        self._is_aborted = True
        with self._lock:
            sockets, waiting = list(self._sockets), list(self._waiting)
        for future in waiting:
            future.cancel()
        for each in sockets:
            each.abort()

    def close(self) -> None:
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            each.close()
        with contextlib.suppress(RuntimeError):  # the loop has closed: so have the connections
            self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        for meeting in self.meetings.values():
            meeting.released.set()

    async def _arrival(self, name: str) -> web.WebSocketResponse:
        return await asyncio.wait_for(asyncio.shield(self.meetings[name].arrived), CONNECT_S)


class LoopSocket:
    """One websocket of the event loop, for a thread that reads and a thread that writes."""

    def __init__(self, raw: web.WebSocketResponse, loop: asyncio.AbstractEventLoop) -> None:
        self._raw, self._loop = raw, loop
        self._frames: deque[bytes | str | None] = deque()
        self._waiting_bytes = 0
        self._is_cut = False
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._sending: concurrent.futures.Future[None] | None = None
        self._reading = asyncio.run_coroutine_threadsafe(self._read(), loop)

    def send(self, message: bytes | str) -> None:
        self._await_sent()
        send = self._raw.send_str(message) if isinstance(message, str) else self._raw.send_bytes(message)
        self._sending = self._start(send)

    def receive(self) -> bytes | str | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._frames or self._is_cut, STALLED_S):
                raise MigrationError(f"The other server sent nothing for {STALLED_S:g} seconds")
            if not self._frames:
                raise MigrationError("The connection to the other server was cut")
            frame = self._frames[0]
            if frame is None:
                return None
            self._frames.popleft()
            self._waiting_bytes -= len(frame)
            has_room = self._waiting_bytes < _QUEUE_BYTES
        if has_room:
            self._tell_room()
        return frame

    def round_trip_s(self) -> float | None:
        connection = _socket_of(self._raw)
        return None if connection is None else shortest_round_trip_s(connection)

    def close(self) -> None:
        with contextlib.suppress(MigrationError):
            self._await_sent()

    def abort(self) -> None:
        with self._changed:
            self._is_cut = True
            self._changed.notify_all()
        with contextlib.suppress(RuntimeError):  # the loop has closed: so has the connection
            self._loop.call_soon_threadsafe(self._cut)

    def _await_sent(self) -> None:
        sending, self._sending = self._sending, None
        if sending is None:
            return
        try:
            sending.result(STALLED_S)
        except TimeoutError as error:
            self.abort()
            raise MigrationError(f"The other server took nothing for {STALLED_S:g} seconds") from error
        except (OSError, RuntimeError, concurrent.futures.CancelledError) as error:
            raise MigrationError("The connection to the other server was cut") from error

    def _start(self, work: Awaitable[None]) -> concurrent.futures.Future[None]:
        async def carried_out() -> None:
            await work

        try:
            return asyncio.run_coroutine_threadsafe(carried_out(), self._loop)
        except RuntimeError as error:  # the loop has closed
            raise MigrationError("The connection to the other server was cut") from error

    async def _read(self) -> None:
        try:
            async for message in self._raw:
                if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                    await self._put(message.data)
        finally:
            is_farewell = self._raw.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY)
            with self._changed:
                if is_farewell:
                    self._frames.append(None)
                else:
                    self._is_cut = True
                self._changed.notify_all()

    async def _put(self, frame: bytes | str) -> None:
        while self._waiting_bytes >= _QUEUE_BYTES and not self._is_cut:
            self._room.clear()
            if self._waiting_bytes >= _QUEUE_BYTES:
                await self._room.wait()
        with self._changed:
            self._frames.append(frame)
            self._waiting_bytes += len(frame)
            self._changed.notify_all()

    def _tell_room(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._room.set)

    def _cut(self) -> None:
        self._room.set()
        connection = _socket_of(self._raw)
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _socket_of(raw: web.WebSocketResponse) -> socket.socket | None:
    """Return what it goes over; None if that has gone, which asyncio's TLS transport tells by an error of its own."""
    try:
        return cast(socket.socket | None, raw.get_extra_info("socket"))
    except AttributeError:
        return None
