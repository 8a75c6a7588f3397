"""A websocket of a migration whose connection has gone."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
from aiohttp import web

from holdfast.server.migration_sockets import LoopSocket
from support.tls_server import server_files


def test_one_whose_tls_connection_is_closed_twice_can_still_be_cut(tmp_path: Path) -> None:
    """As happens when the other server is killed: aiohttp closes it, and asyncio does."""
    files = server_files(tmp_path)
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.load_cert_chain(files.certificate, files.key)
    theirs.check_hostname, theirs.verify_mode = False, ssl.CERT_NONE
    faults: list[dict[str, object]] = []

    async def scene() -> None:
        loop, closed = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda _, context: faults.append(context))

        async def handler(request: web.Request) -> web.WebSocketResponse:
            raw = web.WebSocketResponse()
            await raw.prepare(request)
            found = LoopSocket(raw, loop)
            assert request.transport is not None
            request.transport.close()
            request.transport.close()
            assert found.round_trip_s() is None
            found.abort()
            loop.call_soon(closed.set)  # after what `abort` has asked of the loop
            await closed.wait()
            return raw

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ours)
        await site.start()
        (address,) = runner.addresses
        async with aiohttp.ClientSession() as client, client.ws_connect(f"wss://127.0.0.1:{address[1]}", ssl=theirs):
            await asyncio.wait_for(closed.wait(), 30)
        await runner.cleanup()

    asyncio.run(scene())
    assert faults == []
