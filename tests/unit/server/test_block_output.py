"""Blocks of an answer arrive as they are, whichever way they take, and a broken answer has no end mark."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from holdfast.server.block_output import BlockOutput

BLOCKS = [os.urandom(700_000), b"x", os.urandom(3_000_000), bytes(65_536)]


@pytest.fixture(params=["plain", "tls"])
def context(request: pytest.FixtureRequest, tmp_path: Path) -> ssl.SSLContext | None:
    if request.param == "plain":
        return None
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=localhost", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt")]
    subprocess.run(words, check=True, capture_output=True)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    return made


async def _serve(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
    context: ssl.SSLContext | None,
    ask: Callable[[aiohttp.ClientSession, str], Awaitable[None]],
) -> None:
    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
            await ask(session, f"{'http' if context is None else 'https'}://127.0.0.1:{port}/")
    finally:
        await runner.cleanup()


async def _prepared(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    answer.force_close()
    await answer.prepare(request)
    return answer


def test_all_blocks_arrive_also_at_a_slow_reader(context: ssl.SSLContext | None) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await _prepared(request)
        with BlockOutput(request, answer) as output:
            for block in BLOCKS:
                await output.write(block)
        await answer.write_eof()
        return answer

    async def ask(_: aiohttp.ClientSession, url: str) -> None:
        digest = await asyncio.to_thread(_read_slowly, urlsplit(url).port or 0, is_tls=context is not None)
        assert digest == hashlib.sha256(b"".join(BLOCKS)).digest()

    asyncio.run(_serve(handle, context, ask))


def _read_slowly(port: int, *, is_tls: bool) -> bytes:
    """Read in small pieces, with small buffers, in a thread: aiohttp's client was seen to lose the end over TLS."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    if is_tls:
        strange = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        strange.check_hostname, strange.verify_mode = False, ssl.CERT_NONE
        raw = strange.wrap_socket(raw)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.sock = raw
    connection.request("GET", "/")
    found = hashlib.sha256()
    with connection.getresponse() as answer:
        while data := answer.read(10_000):
            found.update(data)
    return found.digest()


async def _flood(output: BlockOutput) -> None:
    """Write 60 MB: more than any buffer on the way takes."""
    for _ in range(60):
        await output.write(bytes(1_000_000))


def test_a_broken_answer_is_an_error_while_a_write_waits(context: ssl.SSLContext | None) -> None:
    has_ended = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await _prepared(request)
        with BlockOutput(request, answer) as output:
            await output.write(b"first")
            writing = asyncio.create_task(_flood(output))
            done, _ = await asyncio.wait([writing], timeout=0.5)
            assert not done, "the client reads nothing: the write must wait"
            output.break_off()
            with pytest.raises(ConnectionError):
                await writing
        has_ended.set()
        raise ConnectionResetError

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url) as answer:
            await asyncio.wait_for(has_ended.wait(), 60)
            with pytest.raises(aiohttp.ClientError):
                await answer.read()

    asyncio.run(_serve(handle, context, ask))


def test_a_client_that_goes_ends_the_writing(context: ssl.SSLContext | None) -> None:
    ended = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await _prepared(request)
        with BlockOutput(request, answer) as output:
            try:
                while True:
                    await output.write(bytes(1_000_000))
            finally:
                ended.set()
        raise AssertionError

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url) as answer:
            await answer.content.read(5)
            answer.close()
        await asyncio.wait_for(ended.wait(), 60)

    asyncio.run(_serve(handle, context, ask))
