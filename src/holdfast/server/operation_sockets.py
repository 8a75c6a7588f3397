"""Websockets of operations: each has a secret, which is the only key to it, and can be connected once."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiohttp import web

from holdfast.model.errors import BadRequestError, NotAuthorizedError, OperationNotFoundError
from holdfast.model.operation import Operation
from holdfast.server.keepalive import websocket


@dataclass(eq=False, slots=True)
class Meeting:
    """One expected connection: the request side waits for `released`, the session's side for `arrived`.

    `largest_message_bytes` 0 takes messages of any size.
    """

    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    arrived: asyncio.Future[web.WebSocketResponse] = field(default_factory=lambda: asyncio.Future())
    released: asyncio.Event = field(default_factory=asyncio.Event)
    largest_message_bytes: int = 0


class OperationSockets:
    """What connections which operations wait for; lives in the event loop."""

    def __init__(self) -> None:
        self._meetings: dict[str, list[Meeting]] = {}

    def expect(self, operation_id: str, meetings: Iterable[Meeting]) -> None:
        self._meetings[operation_id] = list(meetings)

    def forget(self, operation_id: str) -> None:
        """End what is connected and accept no more."""
        for meeting in self._meetings.pop(operation_id, []):
            meeting.released.set()

    def forget_all(self) -> None:
        for operation_id in list(self._meetings):
            self.forget(operation_id)

    async def connect(self, http: web.Request, operation_id: str, secret: str) -> web.StreamResponse:
        """Upgrade the request, hand the socket over, and hold it until the session is done with it."""
        meeting = self._find(operation_id, secret)
        async with websocket(http, largest_message_bytes=meeting.largest_message_bytes) as socket:
            if meeting.arrived.done():
                return socket
            meeting.arrived.set_result(socket)
            await meeting.released.wait()
        return socket

    def check_secret(self, operation: Operation, secret: str) -> None:
        """Raise `NotAuthorizedError` unless the secret is one of the operation's."""
        secrets = [meeting.secret for meeting in self._meetings.get(operation.id, [])]
        told = (operation.metadata or {}).get("secret")
        if isinstance(told, str):
            secrets.append(told)
        if not any(hmac.compare_digest(each.encode(), secret.encode()) for each in secrets):
            raise NotAuthorizedError

    def _find(self, operation_id: str, secret: str) -> Meeting:
        if operation_id not in self._meetings:
            raise OperationNotFoundError(operation_id)
        if not secret:
            raise BadRequestError("missing secret")
        for meeting in self._meetings[operation_id]:
            if hmac.compare_digest(meeting.secret.encode(), secret.encode()):
                if meeting.arrived.done():
                    break
                return meeting
        raise NotAuthorizedError
