"""Files of snapshots, to read only, and of custom volumes: the answers are those of an instance's files."""

from __future__ import annotations

from functools import partial
from typing import Final

from aiohttp import web

from holdfast.server.answers import done
from holdfast.server.file_answers import fact_headers, reading_answer, wanted_path
from holdfast.server.file_bodies import write_wanted
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Handler, Permission, Route
from holdfast.server.streaming import require_chunks, send_stream
from holdfast.server.volume_bodies import require_custom
from holdfast.service.tree_files import TreeName

_SNAPSHOT: Final = "/1.0/instances/{name}/snapshots/{snapshot}"
_VOLUME: Final = "/1.0/storage-pools/{pool}/volumes/{type}/{volume}"
_VOLUME_SNAPSHOT: Final = _VOLUME + "/snapshots/{snapshot}"
_QUERY: Final = ("path", "project")


async def get_tree_file(request: ApiRequest) -> web.StreamResponse:
    """Answer with a file's content, a directory's names or a symlink's target; facts are in the headers."""
    service, whose = request.services.tree_files, (request.caller, _where(request))
    return await reading_answer(
        request,
        wanted_path(request),
        look=partial(service.look, *whose),
        list_entries=partial(service.list, *whose),
        read=partial(service.read, *whose),
    )


async def head_tree_file(request: ApiRequest) -> web.StreamResponse:
    service = request.services.tree_files
    info = await request.run(service.stat, request.project, _where(request), wanted_path(request))
    return web.Response(headers=fact_headers(info))


async def get_tree(request: ApiRequest) -> web.StreamResponse:
    """Answer with a directory and all below it as a tar archive, made while it is sent."""
    require_chunks(request)
    where, path = _where(request), wanted_path(request)
    work = await request.run(request.services.tree_files.pack, request.caller, where, path)
    return await send_stream(request, work, is_download=True)


async def write_tree_file(request: ApiRequest) -> web.StreamResponse:
    """Make or replace a file, directory or symlink as the headers say; what can't be changed is told first."""
    service, where = request.services.tree_files, _where(request)
    await request.run(service.refuse_change, request.project, where)
    await write_wanted(request, partial(service.write, request.caller, where))
    return done()


async def delete_tree_file(request: ApiRequest) -> web.StreamResponse:
    service, where = request.services.tree_files, _where(request)
    await request.run(service.refuse_change, request.project, where)
    await request.run(service.delete, request.caller, where, wanted_path(request))
    return done()


def _where(request: ApiRequest) -> TreeName:
    """Return what the path names."""
    parts = request.http.match_info
    if "pool" not in parts:
        return TreeName(name=parts["name"], snapshot=parts["snapshot"])
    require_custom(request)
    return TreeName(pool=parts["pool"], name=parts["volume"], snapshot=parts.get("snapshot", ""))


def _reading(path: str, what: str) -> tuple[Route, ...]:
    query = (*_QUERY, "recursion", "download")
    return (
        _route("GET", f"{path}/files", get_tree_file, f"Read a file or directory of {what}", query),
        _route("HEAD", f"{path}/files", head_tree_file, f"Show the facts of a file in {what}"),
    )


def _of_snapshots(path: str, what: str) -> tuple[Route, ...]:
    return (
        *_reading(path, what),
        _route("GET", f"{path}/tree", get_tree, f"Download a directory of {what} as a tar archive"),
        _changing("POST", path, write_tree_file, "Refused: snapshots are read-only"),
        _changing("DELETE", path, delete_tree_file, "Refused: snapshots are read-only"),
    )


def _route(method: str, path: str, handler: Handler, summary: str, query: tuple[str, ...] = _QUERY) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        permission=Permission.PROJECT,
        answer=Answer.FILE,
        query=query,
    )


def _changing(method: str, path: str, handler: Handler, summary: str) -> Route:
    return Route(
        method=method,
        path=f"{path}/files",
        handler=handler,
        summary=summary,
        permission=Permission.PROJECT,
        query=_QUERY,
    )


ROUTES = (
    *_of_snapshots(_SNAPSHOT, "a snapshot"),
    *_of_snapshots(_VOLUME_SNAPSHOT, "a custom volume's snapshot"),
    *_reading(_VOLUME, "a custom volume"),
    _changing("POST", _VOLUME, write_tree_file, "Write a file, directory or symlink of a custom volume"),
    _changing("DELETE", _VOLUME, delete_tree_file, "Remove a file or an empty directory of a custom volume"),
)
