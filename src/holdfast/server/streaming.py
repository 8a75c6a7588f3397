"""Answers whose bytes are made while they are sent: the work waits for a slow client and ends with one that goes away.

Until the first block is there, a failure is an ordinary error; after it the connection breaks before the end mark of
the chunked body, so that no receiver takes a part for the whole.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final
from urllib.parse import quote

from aiohttp import HttpVersion11, web

from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.server.block_output import BlockOutput
from holdfast.server.downloads import attachment
from holdfast.server.render.operations import operation_url
from holdfast.server.request import ApiRequest
from holdfast.service.streamed_work import StreamedWork

OPERATION_HEADER: Final = "X-Holdfast-Operation"
_OCTETS: Final = "application/octet-stream"
_LOOK_S: Final = 0.25
"""How often a client that is waiting for bytes is looked after: aiohttp tells nobody that one has gone."""


class StreamError(HoldfastError):
    """Report how the work behind a stream failed."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def wants_stream(request: ApiRequest) -> bool:
    """Tell whether the client asks for the file itself; raise if it couldn't see the end of it."""
    accepted = [kind.partition(";")[0].strip().lower() for kind in request.header("Accept").split(",")]
    if _OCTETS not in accepted:
        return False
    require_chunks(request)
    return True


def require_chunks(request: ApiRequest) -> None:
    """Raise if the client couldn't see the end of a stream."""
    if request.http.version < HttpVersion11:
        raise BadRequestError("A streamed answer needs HTTP/1.1: an older client can't tell a part from the whole")


async def send_stream(
    request: ApiRequest, work: StreamedWork, *, is_download: bool = False, kind: str = _OCTETS
) -> web.StreamResponse:
    """Send all that the work makes. Whatever happens, the work has ended or been left when this returns.

    A download is what browsers save under its name. `kind` is the media type.
    """
    headers = {"Content-Type": kind}
    if kind == _OCTETS:
        headers["Content-Disposition"] = attachment(work.file_name) if is_download else _inline(work.file_name)
    try:
        sender = _Sender(request.http, work, headers)
        block = await sender.next_block()
        return await sender.send(block)
    finally:
        work.leave()


def _inline(name: str) -> str:
    return f"inline;filename={quote(name, errors='surrogateescape')}"


class _Sender:
    def __init__(self, http: web.Request, work: StreamedWork, headers: dict[str, str]) -> None:
        self._http, self._work, self._headers = http, work, headers
        self._more = asyncio.Event()
        self._output: BlockOutput | None = None
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: the server stopped meanwhile
                loop.call_soon_threadsafe(self._look)

        work.on_change(wake)

    def _look(self) -> None:
        self._more.set()
        if self._output is not None and self._work.has_failed:
            self._output.break_off()  # also where a client that reads nothing would keep the answer for ever

    async def next_block(self) -> bytes:
        """Return the next block, b"" at the end of the whole; raise what the work failed with."""
        while True:
            self._more.clear()
            ended = self._work.ended
            block = self._work.take()
            if block is not None:
                return block
            if self._work.is_whole:
                return b""
            if ended is not None:
                raise StreamError(ended.error, ended.error_status)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), _LOOK_S)
            if self._http.transport is None or self._http.transport.is_closing():
                raise ConnectionResetError("The client has gone")

    async def send(self, block: bytes) -> web.StreamResponse:
        answer = web.StreamResponse(headers={**self._headers, OPERATION_HEADER: operation_url(self._work.operation)})
        answer.enable_chunked_encoding()
        answer.force_close()
        with BlockOutput(self._http, answer) as output:
            self._output = output
            try:
                await answer.prepare(self._http)
                while block:
                    await output.write(block)
                    block = await self.next_block()
            except BaseException as error:
                output.break_off()
                if isinstance(error, HoldfastError):
                    raise ConnectionResetError(str(error)) from error
                raise
            finally:
                self._output = None
        await answer.write_eof()
        return answer
