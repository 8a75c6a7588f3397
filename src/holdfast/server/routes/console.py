"""The console of an instance, and what it has shown."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.model.kinds import OperationClass
from holdfast.server.answers import accepted, done
from holdfast.server.console_session import ConsoleSession
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.resources import instance_resources
from holdfast.wire import exec as wire

_PATH = "/1.0/instances/{name}/console"


async def attach(request: ApiRequest) -> web.StreamResponse:
    """Attach at once; the client then connects its two websockets."""
    sent = await request.body(wire.ConsolePost)
    if sent.type not in ("", "console"):
        raise BadRequestError(f'Containers have no console of type "{sent.type}"')
    terminal = await request.run(request.services.console.attach, request.caller, request.path("name"))
    session = ConsoleSession(request, sent.width, sent.height)
    handle = request.services.operations.open(
        request.caller,
        "Showing console",
        operation_class=OperationClass.WEBSOCKET,
        resources=instance_resources(request.project, request.path("name")),
        metadata={"fds": session.secrets},
    )
    request.parts.sockets.expect(handle.id, session.meetings.values())
    handle.run()
    request.parts.sessions.start(session.run(handle, terminal))
    return accepted(handle.snapshot())


async def get_log(request: ApiRequest) -> web.StreamResponse:
    log = await request.run(request.services.console.log, request.caller, request.path("name"))
    return web.Response(body=log, content_type="application/octet-stream")


async def clear_log(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.console.clear, request.caller, request.path("name"))
    return done()


ROUTES = (
    Route(
        method="POST",
        path=_PATH,
        handler=attach,
        summary="Attach to the console",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.ConsolePost,
    ),
    Route(
        method="GET",
        path=_PATH,
        handler=get_log,
        summary="Show what the console has shown",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=clear_log,
        summary="Forget what the console has shown",
        permission=Permission.PROJECT,
    ),
)
