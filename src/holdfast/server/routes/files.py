"""Files inside an instance, running or stopped."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import done
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
from holdfast.server.uploads import spooled_body
from holdfast.service.files import FileWrite

_PATH = "/1.0/instances/{name}/files"
_LARGEST_ID = 2**32 - 2
_MOST_DIGITS = 10
_KINDS = ("file", "directory", "symlink")
_QUERY = ("path", "project")


async def get_file(request: ApiRequest) -> web.StreamResponse:
    """Answer with a file's content, a directory's names or a symlink's target; facts are in the headers."""
    service, name, path = request.services.files, request.path("name"), wanted_path(request)
    if request.recursion:
        return listing_answer(await request.run(service.list, request.caller, name, path))
    info = await request.run(service.look, request.caller, name, path)
    if info.kind in ENTRY_KINDS:
        return entry_answer(info)
    info, descriptor = await request.run(service.read, request.caller, name, path)
    return file_answer(request, path, info, descriptor)


async def head_file(request: ApiRequest) -> web.StreamResponse:
    info = await request.run(request.services.files.stat, request.project, request.path("name"), wanted_path(request))
    return web.Response(headers=fact_headers(info))


async def write_file(request: ApiRequest) -> web.StreamResponse:
    """Make or replace a file, directory or symlink as the headers say."""
    kind = request.header("X-LXD-type") or "file"
    if kind not in _KINDS:
        raise BadRequestError(f"Bad file type: {kind}")
    wanted = FileWrite(
        path=wanted_path(request),
        kind=kind,
        uid=_number(request, "uid"),
        gid=_number(request, "gid"),
        mode=_mode(request.header("X-LXD-mode")),
        is_append=_is_append(request.header("X-LXD-write")),
        target=(await request.text()) if kind == "symlink" else "",
    )
    if kind != "file":
        await request.run(request.services.files.write, request.caller, request.path("name"), wanted, None)
        return done()
    async with spooled_body(request) as spool:
        await request.run(_write_from, request, wanted, spool.path)
    return done()


async def delete_file(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.files.delete, request.caller, request.path("name"), wanted_path(request))
    return done()


def _write_from(request: ApiRequest, wanted: FileWrite, spooled: Path) -> None:
    descriptor = os.open(spooled, os.O_RDONLY | os.O_CLOEXEC)
    try:
        request.services.files.write(request.caller, request.path("name"), wanted, descriptor)
    finally:
        os.close(descriptor)


def _number(request: ApiRequest, name: str) -> int | None:
    text = request.header(f"X-LXD-{name}")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) <= _LARGEST_ID):
        raise BadRequestError(f"Invalid {name} {text}")
    return int(text)


def _mode(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text, 8) & 0o7777
    except ValueError:
        raise BadRequestError(f"Invalid mode {text}") from None


def _is_append(text: str) -> bool:
    if text not in ("", "overwrite", "append"):
        raise BadRequestError(f"Bad file write mode: {text}")
    return text == "append"


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
