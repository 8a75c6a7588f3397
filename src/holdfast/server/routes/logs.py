"""Log files of an instance, recorded output of commands among them."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import done, sync
from holdfast.server.downloads import send_file
from holdfast.server.listing import api_url
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route

_LIST = "/1.0/instances/{name}/logs"
_ONE = _LIST + "/{file}"


async def list_logs(request: ApiRequest) -> web.StreamResponse:
    name = request.path("name")
    files = await request.run(request.services.logs.list, request.project, name)
    return sync([api_url("instances", name, "logs", file, project=request.project) for file in files])


async def get_log(request: ApiRequest) -> web.StreamResponse:
    file = request.path("file")
    path = await request.run(request.services.logs.read, request.project, request.path("name"), file)
    return await send_file(request, path, file)


async def delete_log(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.logs.delete, request.caller, request.path("name"), request.path("file"))
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_logs,
        summary="List log files",
        permission=Permission.PROJECT,
        gives=list[str],
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_log,
        summary="Read a log file",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_log,
        summary="Remove the recorded output of a command",
        permission=Permission.PROJECT,
    ),
)
