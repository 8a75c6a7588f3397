"""Files inside an instance, running or stopped."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from holdfast.server.answers import done
from holdfast.server.file_answers import fact_headers, reading_answer, wanted_path
from holdfast.server.file_bodies import write_wanted
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route

_PATH = "/1.0/instances/{name}/files"
_QUERY = ("path", "project")


async def get_file(request: ApiRequest) -> web.StreamResponse:
    """Answer with a file's content, a directory's names or a symlink's target; facts are in the headers."""
    service, whose = request.services.files, (request.caller, request.path("name"))
    return await reading_answer(
        request,
        wanted_path(request),
        look=partial(service.look, *whose),
        list_entries=partial(service.list, *whose),
        read=partial(service.read, *whose),
    )


async def head_file(request: ApiRequest) -> web.StreamResponse:
    info = await request.run(request.services.files.stat, request.project, request.path("name"), wanted_path(request))
    return web.Response(headers=fact_headers(info))


async def write_file(request: ApiRequest) -> web.StreamResponse:
    """Make or replace a file, directory or symlink as the headers say."""
    await write_wanted(request, partial(request.services.files.write, request.caller, request.path("name")))
    return done()


async def delete_file(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.files.delete, request.caller, request.path("name"), wanted_path(request))
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_file,
        summary="Read a file or directory",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
        query=(*_QUERY, "recursion", "download"),
    ),
    Route(
        method="HEAD",
        path=_PATH,
        handler=head_file,
        summary="Show a file's facts",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
        query=_QUERY,
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=write_file,
        summary="Write a file, directory or symlink",
        permission=Permission.PROJECT,
        query=_QUERY,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=delete_file,
        summary="Remove a file or an empty directory",
        permission=Permission.PROJECT,
        query=_QUERY,
    ),
)
