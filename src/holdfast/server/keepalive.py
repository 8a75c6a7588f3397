"""Websockets of the API: opened with LXD's keepalive ping, pinged again and again, closed with the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import WSCloseCode, web

PING_INTERVAL_S: Final = 10.0
_PAYLOAD: Final = b"keepalive"


@contextlib.asynccontextmanager
async def websocket(http: web.Request, *, largest_message_bytes: int = 0) -> AsyncIterator[web.WebSocketResponse]:
    """Upgrade the request; the socket is pinged while the body runs and closed at its end."""
    socket = web.WebSocketResponse(compress=False, max_msg_size=largest_message_bytes, autoping=True)
    if not socket.can_prepare(http):
        raise web.HTTPBadRequest(text="No Upgrade to websocket in the request")
    await socket.prepare(http)
    pinger = asyncio.create_task(_keep_alive(socket))
    try:
        yield socket
    finally:
        pinger.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pinger
        if not socket.closed:
            await socket.close(code=WSCloseCode.OK)


async def _keep_alive(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while not socket.closed:
            await socket.ping(_PAYLOAD)
            await asyncio.sleep(PING_INTERVAL_S)
