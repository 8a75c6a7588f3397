"""Files inside a snapshot, to read only: the answers are those of an instance's files."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.file_answers import (
    ENTRY_KINDS,
    entry_answer,
    fact_headers,
    file_answer,
    listing_answer,
    wanted_path,
)
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.server.streaming import require_chunks, send_stream

_PATH = "/1.0/instances/{name}/snapshots/{snapshot}/files"
_QUERY = ("path", "project")


async def get_snapshot_file(request: ApiRequest) -> web.StreamResponse:
    """Answer with a file's content, a directory's names or a symlink's target; facts are in the headers."""
    service, path = request.services.snapshot_files, wanted_path(request)
    name, snapshot = request.path("name"), request.path("snapshot")
    if request.recursion:
        return listing_answer(await request.run(service.list, request.caller, name, snapshot, path))
    info = await request.run(service.look, request.caller, name, snapshot, path)
    if info.kind in ENTRY_KINDS:
        return entry_answer(info)
    info, descriptor = await request.run(service.read, request.caller, name, snapshot, path)
    return file_answer(request, path, info, descriptor)


async def head_snapshot_file(request: ApiRequest) -> web.StreamResponse:
    info = await request.run(
        request.services.snapshot_files.stat,
        request.project,
        request.path("name"),
        request.path("snapshot"),
        wanted_path(request),
    )
    return web.Response(headers=fact_headers(info))


async def get_snapshot_tree(request: ApiRequest) -> web.StreamResponse:
    """Answer with a directory and all below it as a tar archive, made while it is sent."""
    require_chunks(request)
    service, path = request.services.snapshot_files, wanted_path(request)
    work = await request.run(service.pack, request.caller, request.path("name"), request.path("snapshot"), path)
    return await send_stream(request, work, is_download=True)


async def refuse_change(request: ApiRequest) -> web.StreamResponse:
    """Refuse to write: a snapshot is what it was."""
    await request.run(request.services.snapshots.get, request.project, request.path("name"), request.path("snapshot"))
    raise BadRequestError("Snapshots can't be changed: make an instance of it (copy), and change that")


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_snapshot_file,
        summary="Read a file or directory of a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
        query=(*_QUERY, "recursion", "download"),
    ),
    Route(
        method="HEAD",
        path=_PATH,
        handler=head_snapshot_file,
        summary="Show the facts of a file in a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
        query=_QUERY,
    ),
    Route(
        method="GET",
        path="/1.0/instances/{name}/snapshots/{snapshot}/tree",
        handler=get_snapshot_tree,
        summary="Download a directory of a snapshot as a tar archive",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
        query=_QUERY,
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=refuse_change,
        summary="Refused: snapshots are read-only",
        permission=Permission.PROJECT,
        query=_QUERY,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=refuse_change,
        summary="Refused: snapshots are read-only",
        permission=Permission.PROJECT,
        query=_QUERY,
    ),
)
