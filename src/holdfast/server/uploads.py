"""Bodies that are files: written to a spool file of our own as they arrive, with bounded memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from holdfast.model.errors import BadRequestError
from holdfast.server.request import ApiRequest
from holdfast.service.arrivals import Arrival
from holdfast.service.reserve import write_with_reserve

BLOCK_BYTES: Final = 1024 * 1024
"""How much is gathered before a thread writes it: a hop costs some 50 us, so a MiB makes it vanish."""
_SAMPLE_BYTES: Final = 32 * 1024 * 1024
_SAMPLE_S: Final = 0.5
"""A body whose first bytes come at this pace is unpacked while it comes; a slower one would hold a worker too long."""


class Spool:
    """One file being received; removed unless it is handed over."""

    def __init__(self, directory: Path) -> None:
        descriptor, name = tempfile.mkstemp(prefix="upload-", dir=directory)
        self.path = Path(name)
        self._descriptor = descriptor
        self._is_ours = True

    def write(self, data: bytes) -> None:
        write_with_reserve(self._descriptor, data)

    def finish(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1

    def hand_over(self) -> Path:
        """Return the file to a service that removes it from now on, whatever comes."""
        self._is_ours = False
        return self.path

    def discard(self) -> None:
        if self._descriptor >= 0:
            self.finish()
        if self._is_ours:
            self.path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def spooled_body(request: ApiRequest) -> AsyncIterator[Spool]:
    """Give the file that holds the request's body."""
    async with _spool(request) as spool:
        await _fill(request, spool, _blocks(request.http.content.iter_any()))
        yield spool


@contextlib.asynccontextmanager
async def arriving_body(request: ApiRequest) -> AsyncIterator[Arrival]:
    """Give the file that the request's body becomes: already on its way if it comes fast, else as a whole.

    What is given belongs to whoever it is handed to, who may read it in another thread. At the end all of the body has
    been received, as clients read an answer only then; a body that breaks off raises, here and for every reader.
    """
    async with _spool(request) as spool:
        blocks = _blocks(request.http.content.iter_any())
        size_bytes = await _fast_bytes(request, spool, blocks)
        if not size_bytes:
            await _fill(request, spool, blocks)
            yield Arrival(spool.hand_over(), is_whole=True)
            return
        expected_bytes = request.http.content_length or 0
        arrival = Arrival(spool.hand_over(), size_bytes=size_bytes, expected_bytes=expected_bytes)
        rest = asyncio.create_task(_follow(request, spool, blocks, arrival))
        try:
            yield arrival
        except BaseException:
            with contextlib.suppress(Exception):
                await rest
            raise
        await rest


async def _fast_bytes(request: ApiRequest, spool: Spool, blocks: AsyncIterator[bytes]) -> int:
    """Write the first blocks; return their size if they came so fast that a reader will hardly have to wait, else 0."""
    begin_s, size_bytes = time.monotonic(), 0
    async for block in blocks:
        await request.run(spool.write, block)
        size_bytes += len(block)
        if size_bytes >= _SAMPLE_BYTES:
            return size_bytes if time.monotonic() - begin_s < _SAMPLE_S else 0
    return 0


async def _follow(request: ApiRequest, spool: Spool, blocks: AsyncIterator[bytes], arrival: Arrival) -> None:
    """Write the rest while others read; once nobody wants it any more it is received all the same, and dropped."""
    try:
        async for block in blocks:
            if arrival.is_wanted:
                await request.run(spool.write, block)
                arrival.grow(len(block))
        await request.run(spool.finish)
        arrival.complete()
    except BaseException:
        arrival.abandon()
        raise


@contextlib.asynccontextmanager
async def spooled_parts(request: ApiRequest) -> AsyncIterator[dict[str, tuple[Spool, str]]]:
    """Give the files of a multipart body by the parts' names, each with the file name that was sent."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            parts = await _parts(request, stack)
        except (ValueError, HttpProcessingError) as error:
            raise BadRequestError(f"Invalid multipart image: {error}") from error
        yield parts


async def _parts(request: ApiRequest, stack: contextlib.AsyncExitStack) -> dict[str, tuple[Spool, str]]:
    parts: dict[str, tuple[Spool, str]] = {}
    async for part in await request.http.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            raise BadRequestError("Invalid multipart image: a part has no name")
        if part.name in parts or len(parts) == 2:
            raise BadRequestError(f'Invalid multipart image: unexpected part "{part.name}"')
        spool = await stack.enter_async_context(_spool(request))
        await _fill(request, spool, _blocks(_chunks(part)))
        parts[part.name] = (spool, part.filename or "")
    return parts


@contextlib.asynccontextmanager
async def _spool(request: ApiRequest) -> AsyncIterator[Spool]:
    spool = await request.run(Spool, request.services.paths.incoming)
    try:
        yield spool
    finally:
        await request.run(spool.discard)


async def _fill(request: ApiRequest, spool: Spool, blocks: AsyncIterator[bytes]) -> None:
    """Write all blocks; a body that breaks off raises, so that a part of a file is never taken for the whole."""
    async for block in blocks:
        await request.run(spool.write, block)
    await request.run(spool.finish)


async def body_blocks(request: ApiRequest) -> AsyncIterator[bytes]:
    """Give the request's body as it comes; one that breaks off raises after all of it that has come."""
    breaks: list[Exception] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            async for chunk in request.http.content.iter_any():
                yield chunk
        except (OSError, web.RequestPayloadError, HttpProcessingError) as error:
            breaks.append(error)

    async for block in _blocks(chunks()):
        yield block
    if breaks:
        raise breaks[0]


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gather chunks to blocks worth a hop to a thread."""
    gathered: list[bytes] = []
    size_bytes = 0
    async for chunk in chunks:
        gathered.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, size_bytes = [], 0
    yield b"".join(gathered)


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(256 * 1024):
        yield bytes(chunk)
