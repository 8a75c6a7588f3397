"""Operations: list, show, wait, cancel, connect."""

from __future__ import annotations

import asyncio

from aiohttp import web

from holdfast.model.errors import BadRequestError, NotAuthorizedError, OperationNotFoundError
from holdfast.model.operation import Operation
from holdfast.server.answers import done, sync
from holdfast.server.operation_access import may_see
from holdfast.server.render.operations import operation_shape, operation_url
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire import operation as wire

_PATH = "/1.0/operations/{id}"


async def list_operations(request: ApiRequest) -> web.StreamResponse:
    """Answer with a map from status to URLs, or to objects."""
    listed = await request.run(request.services.operations.list, request.projects)
    operations = [each for each in listed if may_see(request.access, each)]
    if request.recursion:
        objects: dict[str, list[wire.Operation]] = {}
        for each in operations:
            objects.setdefault(each.status.text.lower(), []).append(operation_shape(each))
        return sync(objects)
    urls: dict[str, list[str]] = {}
    for each in operations:
        urls.setdefault(each.status.text.lower(), []).append(operation_url(each))
    return sync(urls)


async def get_operation(request: ApiRequest) -> web.StreamResponse:
    return sync(operation_shape(await _visible(request)))


async def wait_for_operation(request: ApiRequest) -> web.StreamResponse:
    """Answer once it is final, or after `timeout` seconds with how it then stands.

    Who isn't trusted may wait for an operation of which it knows a secret.
    """
    operation_id, secret = request.path("id"), request.query("secret")
    if secret:
        request.parts.sockets.check_secret(await request.run(request.services.operations.get, operation_id), secret)
    elif not request.access.is_trusted:
        raise NotAuthorizedError
    else:
        await _visible(request)
    timeout_s = _timeout_s(request.query("timeout"))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell(_: Operation) -> None:
        loop.call_soon_threadsafe(ended.set)

    leave = await request.run(request.services.operations.when_done, operation_id, tell)
    try:
        async with asyncio.timeout(timeout_s):
            await ended.wait()
    except TimeoutError:
        # Not an error: the client sees by the status that it still runs.
        pass
    finally:
        leave()
    return sync(operation_shape(await request.run(request.services.operations.get, operation_id)))


async def cancel_operation(request: ApiRequest) -> web.StreamResponse:
    await _visible(request)
    await request.run(request.services.operations.cancel, request.caller, request.path("id"))
    return done()


async def connect(request: ApiRequest) -> web.StreamResponse:
    return await request.parts.sockets.connect(request.http, request.path("id"), request.query("secret"))


async def _visible(request: ApiRequest) -> Operation:
    """Return the operation that the path names, if the one who asks may see it."""
    operation = await request.run(request.services.operations.get, request.path("id"))
    if not may_see(request.access, operation):
        raise OperationNotFoundError(operation.id)
    return operation


def _timeout_s(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = int(text)
    except ValueError:
        raise BadRequestError(f'Invalid timeout "{text}"') from None
    return None if seconds < 0 else float(seconds)


ROUTES = (
    Route(
        method="GET",
        path="/1.0/operations",
        handler=list_operations,
        summary="List operations by status",
        permission=Permission.TRUSTED,
        gives=dict[str, list[wire.Operation]],
        query=("project", "all-projects", "recursion"),
    ),
    Route(
        method="GET",
        path=_PATH,
        handler=get_operation,
        summary="Show an operation",
        permission=Permission.TRUSTED,
        gives=wire.Operation,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=cancel_operation,
        summary="Cancel an operation",
        permission=Permission.TRUSTED,
    ),
    Route(
        method="GET",
        path=_PATH + "/wait",
        handler=wait_for_operation,
        summary="Wait for an operation",
        permission=Permission.SECRET,
        gives=wire.Operation,
        query=("timeout", "secret"),
    ),
    Route(
        method="GET",
        path=_PATH + "/websocket",
        handler=connect,
        summary="Connect to a stream of an operation",
        answer=Answer.WEBSOCKET,
        permission=Permission.SECRET,
        query=("secret",),
    ),
)
