"""Names of images."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError, ImageAliasNotFoundError
from holdfast.model.image import ImageAlias
from holdfast.server.answers import created, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.image_scope import image_caller, image_project, is_guest, listed_images
from holdfast.server.listing import api_url
from holdfast.server.render.images import alias_etag, alias_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire import image as wire

_LIST = "/1.0/images/aliases"
_ONE = _LIST + "/{name:.+}"


async def list_aliases(request: ApiRequest) -> web.StreamResponse:
    project = await image_project(request)
    aliases = await request.run(request.services.images.aliases.list, project)
    if request.recursion:
        return sync([alias_shape(alias) for alias in aliases])
    return sync([api_url("images", "aliases", alias.name, project=alias.project) for alias in aliases])


async def create_alias(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ImageAliasesPost)
    if not sent.name or not sent.target:
        raise BadRequestError("name and target are required")
    await request.run(
        request.services.images.aliases.create, await image_caller(request), sent.name, sent.target, sent.description
    )
    return created(api_url("images", "aliases", sent.name))


async def get_alias(request: ApiRequest) -> web.StreamResponse:
    alias = await _alias_for_guest(request) if is_guest(request) else await _alias(request)
    return sync(alias_shape(alias), etag=alias_etag(alias))


async def _alias(request: ApiRequest) -> ImageAlias:
    return await request.run(request.services.images.aliases.get, await image_project(request), request.path("name"))


async def _alias_for_guest(request: ApiRequest) -> ImageAlias:
    images, aliases = await listed_images(request)
    seen = {image.fingerprint for image in images}
    for alias in aliases:
        if alias.name == request.path("name") and alias.target in seen:
            return alias
    raise ImageAliasNotFoundError(request.path("name"))


async def put_alias(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ImageAliasPut)
    if not sent.target:
        raise BadRequestError("The target field is required")
    await _change(request, sent.target, sent.description)
    return done()


async def patch_alias(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ImageAliasPatch)
    await _change(request, sent.target, sent.description)
    return done()


async def rename_alias(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ImageAliasPost)
    await request.run(
        request.services.images.aliases.rename, await image_caller(request), request.path("name"), sent.name
    )
    return created(api_url("images", "aliases", sent.name))


async def delete_alias(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.images.aliases.delete, await image_caller(request), request.path("name"))
    return done()


async def _change(request: ApiRequest, target: str | None, description: str | None) -> None:
    aliases, name = request.services.images.aliases, request.path("name")
    alias = await request.run(aliases.get, await image_project(request), name)
    check_if_match(request.header("If-Match"), alias_etag(alias))
    await request.run(aliases.update, await image_caller(request), name, target=target, description=description)


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_aliases,
        summary="List image aliases",
        permission=Permission.PROJECT,
        gives=list[wire.ImageAlias],
        query=("project", "recursion"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_alias,
        summary="Name an image",
        permission=Permission.PROJECT,
        answer=Answer.CREATED,
        takes=wire.ImageAliasesPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_alias,
        summary="Show an image alias",
        permission=Permission.ANYONE,
        gives=wire.ImageAlias,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_alias,
        summary="Replace an image alias",
        permission=Permission.PROJECT,
        takes=wire.ImageAliasPut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_alias,
        summary="Change an image alias",
        permission=Permission.PROJECT,
        takes=wire.ImageAliasPatch,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=rename_alias,
        summary="Rename an image alias",
        permission=Permission.PROJECT,
        answer=Answer.CREATED,
        takes=wire.ImageAliasPost,
    ),
    Route(
        method="DELETE", path=_ONE, handler=delete_alias, summary="Remove an image alias", permission=Permission.PROJECT
    ),
)
