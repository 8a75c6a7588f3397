"""Answers in LXD's envelopes."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.operation import Operation
from holdfast.server.render.operations import operation_shape, operation_url
from holdfast.wire.encoding import encode
from holdfast.wire.envelope import AsyncAnswer, ErrorAnswer, SyncAnswer


def sync(metadata: object, *, etag: str = "", headers: dict[str, str] | None = None) -> web.Response:
    """Answer with a value: structs, lists, maps, text."""
    answer = _json(SyncAnswer(metadata=metadata), 200, headers)
    if etag:
        answer.headers["ETag"] = f'"{etag}"'
    return answer


def done() -> web.Response:
    """Answer that it is done and there is nothing to tell."""
    return _json(SyncAnswer(metadata={}), 200)


def created(url: str) -> web.Response:
    """Answer that the thing is now at this URL."""
    return _json(SyncAnswer(), 201, {"Location": url})


def accepted(operation: Operation) -> web.Response:
    """Answer that the work goes on as this operation."""
    url = operation_url(operation)
    return _json(AsyncAnswer(operation=url, metadata=operation_shape(operation)), 202, {"Location": url})


def failed(status: int, text: str) -> web.Response:
    return _json(ErrorAnswer(error_code=status, error=text), status)


def _json(
    answer: SyncAnswer | AsyncAnswer | ErrorAnswer, status: int, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(body=encode(answer) + b"\n", status=status, headers=headers, content_type="application/json")
