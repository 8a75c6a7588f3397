"""Answers that are files. A file is opened once and sent through its descriptor: what happens to its name meanwhile
(removed, replaced, a `.gz` beside it) doesn't matter."""

from __future__ import annotations

import asyncio
import os
import secrets
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from holdfast.model.errors import InternalError
from holdfast.server.ranges import held_range
from holdfast.server.request import ApiRequest

_BLOCK_BYTES: Final = 1024 * 1024
_AHEAD_BYTES: Final = 4 * 1024 * 1024
_SLICE_BYTES: Final = 256 * 1024
"""What TLS gets at once; measured best of 64 KiB to 1 MiB."""


async def send_file(
    request: ApiRequest, path: Path, name: str, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Send the file as LXD does: inline, octets, with its length."""
    descriptor = await request.run(os.open, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    return send_descriptor(descriptor, name, headers)


def send_descriptor(
    descriptor: int, name: str, headers: Mapping[str, str] | None = None, *, is_download: bool = False
) -> web.StreamResponse:
    """Answer with the regular file that is open as this descriptor, which is closed when it has been sent.

    A download is what browsers save under its name, and don't show.
    """
    answer = _DescriptorResponse(descriptor)
    answer.content_type = "application/octet-stream"
    answer.headers["Content-Disposition"] = attachment(name) if is_download else _disposition(name)
    answer.headers.update(headers or {})
    return answer


class _DescriptorResponse(web.FileResponse):
    """Sends an open file (by sendfile where the transport can) and closes it, sent or not."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(f"/proc/self/fd/{descriptor}", chunk_size=_BLOCK_BYTES)
        # A file that shrinks under our hands ends the connection early: the client must not wait for the rest.
        self.force_close()
        self._descriptor = descriptor
        self._close_once = weakref.finalize(self, os.close, descriptor)

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        try:
            return await super().prepare(self._narrowed(request))
        finally:
            self._close_once()

    async def _sendfile(self, request: BaseRequest, fobj: IO[bytes], offset: int, count: int) -> AbstractStreamWriter:
        """Send by sendfile; where the transport encrypts, read ahead instead.

        The event loop's own way for that (cpython #152074) hops into a thread for each 16 KiB: 100 MB/s.
        """
        transport = request.transport
        if transport is None or transport.get_extra_info("sslcontext") is None:
            return await super()._sendfile(request, fobj, offset, count)
        writer = await web.StreamResponse.prepare(self, request)
        assert writer is not None
        reading = _reading(fobj.fileno(), offset, count)
        while count and (block := await reading):
            offset, count = offset + len(block), count - len(block)
            reading = _reading(fobj.fileno(), offset, count)
            view = memoryview(block)
            for begin in range(0, len(block), _SLICE_BYTES):
                await writer.write(view[begin : begin + _SLICE_BYTES])
        await reading  # nobody reads a descriptor that is closed next
        await writer.drain()
        if not count:
            await web.StreamResponse.write_eof(self)
        return writer

    def _narrowed(self, request: BaseRequest) -> BaseRequest:
        """Return the request with the range that holds: what is below reads If-Range as a date alone."""
        headers = request.headers.copy()
        wanted, condition = headers.pop("Range", ""), headers.pop("If-Range", "")
        if not wanted or request.method not in ("GET", "HEAD"):
            return request
        found = os.fstat(self._descriptor)
        held = held_range(wanted, condition, found.st_size, f'"{found.st_mtime_ns:x}-{found.st_size:x}"')
        if held:
            headers["Range"] = held
        return request.clone(headers=headers)


def _reading(descriptor: int, offset: int, count: int) -> asyncio.Future[bytes]:
    """Begin to read the next block in a thread."""
    return asyncio.get_running_loop().run_in_executor(None, os.pread, descriptor, min(count, _AHEAD_BYTES), offset)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a multipart answer."""

    name: str
    file_name: str
    path: Path


async def send_parts(request: ApiRequest, parts: Sequence[Part]) -> web.StreamResponse:
    """Send several files as `multipart/form-data`, as LXD sends split images."""
    boundary = secrets.token_hex(30)
    heads = [_part_head(boundary, part, is_first=index == 0) for index, part in enumerate(parts)]
    end = f"\r\n--{boundary}--\r\n".encode()
    descriptors: list[int] = []
    try:
        for part in parts:
            descriptors.append(await request.run(os.open, part.path, os.O_RDONLY | os.O_CLOEXEC))
        sizes = [os.fstat(descriptor).st_size for descriptor in descriptors]
        answer = web.StreamResponse(headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        answer.content_length = sum(sizes) + sum(map(len, heads)) + len(end)
        answer.force_close()
        await answer.prepare(request.http)
        with _breaking_off(request.http):
            for head, descriptor, size_bytes in zip(heads, descriptors, sizes, strict=True):
                await answer.write(head)
                await _write_file(request, answer, descriptor, size_bytes)
            await answer.write(end)
            await answer.write_eof()
        return answer
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


async def _write_file(request: ApiRequest, answer: web.StreamResponse, descriptor: int, size_bytes: int) -> None:
    """Write exactly so many bytes; raise `InternalError` if the file has fewer."""
    left_bytes = size_bytes
    while left_bytes:
        block = await request.run(os.read, descriptor, min(left_bytes, _BLOCK_BYTES))
        if not block:
            raise InternalError("A file became shorter while it was sent")
        left_bytes -= len(block)
        await answer.write(block)


@contextmanager
def _breaking_off(http: web.Request) -> Iterator[None]:
    """Break the connection if the answer can't be finished: an error can't be told any more, a short body can."""
    try:
        yield
    except ConnectionError:
        raise
    except (OSError, InternalError) as error:
        if http.transport is not None:
            http.transport.abort()
        raise ConnectionResetError(str(error)) from error


def _part_head(boundary: str, part: Part, *, is_first: bool) -> bytes:
    line = "" if is_first else "\r\n"
    return (
        f"{line}--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{part.name}"; filename="{_plain(part.file_name)}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()


def attachment(name: str) -> str:
    """Return the header's value that has browsers save what comes under this name (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name.encode(errors='surrogateescape'), safe='')}"


def _disposition(name: str) -> str:
    """Return the header's value; what can't stand in a header is escaped."""
    return f"inline;filename={quote(name, safe='!#$&+-.^_`|~ ', errors='surrogateescape')}"


def _plain(name: str) -> str:
    return quote(name, safe="!#$&+-.^_`|~ ")
