"""What an instance has from its image: architecture, properties, templates."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import done, sync
from holdfast.server.etag import check_if_match, etag_of
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.wire import metadata as wire
from holdfast.wire.decoding import in_words

_PATH: Final = "/1.0/instances/{name}/metadata"
_TEMPLATES: Final = _PATH + "/templates"


async def get_metadata(request: ApiRequest) -> web.StreamResponse:
    metadata = await request.run(request.services.metadata.show, request.caller, request.path("name"))
    return sync(metadata, etag=etag_of(metadata))


async def put_metadata(request: ApiRequest) -> web.StreamResponse:
    return await _replace(request, await request.body(wire.InstanceMetadata))


async def patch_metadata(request: ApiRequest) -> web.StreamResponse:
    """Change what is given; properties and templates are merged by name."""
    sent = await request.body(wire.InstanceMetadataPatch)
    found = await request.run(request.services.metadata.get, request.project, request.path("name"))
    try:
        before = msgspec.convert(found, wire.InstanceMetadata)
    except msgspec.ValidationError as error:
        raise BadRequestError(
            f"The metadata can only be replaced as a whole, as it is no good: {in_words(str(error))}"
        ) from error
    after = wire.InstanceMetadata(
        architecture=sent.architecture or before.architecture,
        creation_date=before.creation_date if sent.creation_date is None else sent.creation_date,
        expiry_date=before.expiry_date if sent.expiry_date is None else sent.expiry_date,
        properties={**before.properties, **sent.properties},
        templates={**(before.templates or {}), **sent.templates},
    )
    return await _replace(request, after)


async def _replace(request: ApiRequest, wanted: wire.InstanceMetadata) -> web.StreamResponse:
    service, name = request.services.metadata, request.path("name")
    check_if_match(request.header("If-Match"), etag_of(await request.run(service.get, request.project, name)))
    await request.run(service.replace, request.caller, name, msgspec.json.encode(wanted))
    return done()


async def get_templates(request: ApiRequest) -> web.StreamResponse:
    """Answer with the names, or with the content of the one in the query."""
    service, name = request.services.metadata, request.path("name")
    if not request.query("path"):
        return sync(await request.run(service.templates, request.project, name))
    content = await request.run(service.template, request.caller, name, request.query("path"))
    return web.Response(body=content, content_type="application/octet-stream")


async def write_template(request: ApiRequest) -> web.StreamResponse:
    content = (await request.text()).encode(errors="surrogateescape")
    service = request.services.metadata
    await request.run(service.write_template, request.caller, request.path("name"), _template(request), content)
    return done()


async def delete_template(request: ApiRequest) -> web.StreamResponse:
    service = request.services.metadata
    await request.run(service.delete_template, request.caller, request.path("name"), _template(request))
    return done()


def _template(request: ApiRequest) -> str:
    if not request.query("path"):
        raise BadRequestError("missing path argument")
    return request.query("path")


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_metadata,
        summary="Show the metadata from the image",
        permission=Permission.PROJECT,
        gives=wire.InstanceMetadata,
    ),
    Route(
        method="PUT",
        path=_PATH,
        handler=put_metadata,
        summary="Replace the metadata",
        permission=Permission.PROJECT,
        takes=wire.InstanceMetadata,
    ),
    Route(
        method="PATCH",
        path=_PATH,
        handler=patch_metadata,
        summary="Change the metadata",
        permission=Permission.PROJECT,
        takes=wire.InstanceMetadataPatch,
    ),
    Route(
        method="GET",
        path=_TEMPLATES,
        handler=get_templates,
        summary="List templates, or read one",
        permission=Permission.PROJECT,
        gives=list[str],
        query=("path",),
    ),
    Route(
        method="POST",
        path=_TEMPLATES,
        handler=write_template,
        summary="Write a template",
        permission=Permission.PROJECT,
        query=("path",),
    ),
    Route(
        method="DELETE",
        path=_TEMPLATES,
        handler=delete_template,
        summary="Remove a template",
        permission=Permission.PROJECT,
        query=("path",),
    ),
)
