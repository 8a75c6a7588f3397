"""The stream of events."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from holdfast.model.errors import BadRequestError, NotAuthorizedError
from holdfast.model.operation import EventType
from holdfast.server.event_hub import EventListener
from holdfast.server.keepalive import websocket
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route


async def stream_events(request: ApiRequest) -> web.StreamResponse:
    """Send events until one side closes. Listening begins before the upgrade is answered: nothing is missed."""
    types = _types(request.query("type"))
    if request.query("type") and EventType.LOGGING in types and not request.access.is_admin:
        raise NotAuthorizedError
    listener = EventListener(types, request.projects, request.access)
    with request.parts.events.listening(listener) as queue:
        async with websocket(request.http) as socket:
            reader = asyncio.create_task(_until_closed(socket))
            try:
                await _send(socket, queue, reader)
            finally:
                reader.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reader
    return socket


async def _send(socket: web.WebSocketResponse, queue: asyncio.Queue[bytes | None], reader: asyncio.Task[None]) -> None:
    reader.add_done_callback(lambda _: queue.put_nowait(None))
    while (message := await queue.get()) is not None:
        try:
            await socket.send_frame(message, web.WSMsgType.TEXT)
        except ConnectionError:
            return


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """Read, so that pings are answered and the close is seen; what clients send is of no interest."""
    async for _ in socket:
        pass


def _types(text: str) -> frozenset[EventType]:
    if not text:
        return frozenset(EventType)
    found = set()
    for name in text.split(","):
        try:
            found.add(EventType(name.strip()))
        except ValueError:
            raise BadRequestError(f'"{name}" isn\'t a supported event type') from None
    return frozenset(found)


ROUTES = (
    Route(
        method="GET",
        path="/1.0/events",
        handler=stream_events,
        summary="Follow what happens",
        permission=Permission.TRUSTED,
        answer=Answer.WEBSOCKET,
        query=("type", "project", "all-projects"),
    ),
)
