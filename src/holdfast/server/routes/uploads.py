"""Uploads in pieces: begin, append at an offset, ask how far one is, remove. An import takes a whole one by its id."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.model.upload import Upload
from holdfast.server.answers import done, sync
from holdfast.server.listing import api_url
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.server.uploads import body_blocks
from holdfast.wire import upload as wire
from holdfast.wire.timestamps import to_wire

_LIST = "/1.0/uploads"
_ONE = _LIST + "/{id}"
_OFFSET: Final = "X-Holdfast-offset"
_MOST_DIGITS: Final = 18


async def list_uploads(request: ApiRequest) -> web.StreamResponse:
    uploads = await request.run(request.services.uploads.list, request.project)
    if request.recursion:
        return sync([_shape(each) for each in uploads])
    return sync([_url(each) for each in uploads])


async def create_upload(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.UploadsPost)
    size_bytes = None if sent.size == -1 else sent.size
    upload = await request.run(request.services.uploads.create, request.caller, size_bytes)
    return sync(_shape(upload), headers={"Location": _url(upload)})


async def get_upload(request: ApiRequest) -> web.StreamResponse:
    return sync(_shape(await request.run(request.services.uploads.get, request.project, request.path("id"))))


async def append_upload(request: ApiRequest) -> web.StreamResponse:
    """Append the body at the offset that the header tells; what has come of a body that breaks off stays."""
    if not request.is_binary:
        raise BadRequestError("Send the bytes as application/octet-stream")
    service, offset_bytes = request.services.uploads, _offset(request.header(_OFFSET))
    writer = await request.run(service.append, request.project, request.path("id"), offset_bytes)
    try:
        async for block in body_blocks(request):
            await request.run(writer.write, block)
    finally:
        upload = await request.run(writer.close)
    return sync(_shape(upload))


async def delete_upload(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.uploads.delete, request.caller, request.path("id"))
    return done()


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadRequestError(f'The header {_OFFSET} must tell where the bytes belong, not "{text[:40]}"')
    return int(text)


def _url(upload: Upload) -> str:
    return api_url("uploads", upload.id, project=upload.project)


def _shape(upload: Upload) -> wire.Upload:
    return wire.Upload(
        id=upload.id,
        size=-1 if upload.size_bytes is None else upload.size_bytes,
        offset=upload.offset_bytes,
        created_at=to_wire(upload.created_at),
        expires_at=to_wire(upload.expires_at),
    )


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_uploads,
        summary="List unfinished uploads",
        permission=Permission.PROJECT,
        gives=list[wire.Upload],
        query=("project", "recursion"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_upload,
        summary="Begin an upload in pieces",
        permission=Permission.PROJECT,
        gives=wire.Upload,
        takes=wire.UploadsPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_upload,
        summary="Show how far an upload is",
        permission=Permission.PROJECT,
        gives=wire.Upload,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=append_upload,
        summary="Append the body to an upload, at the offset in `X-Holdfast-offset`",
        permission=Permission.PROJECT,
        gives=wire.Upload,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_upload,
        summary="Remove an unfinished upload",
        permission=Permission.PROJECT,
    ),
)
