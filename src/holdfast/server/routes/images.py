"""Images: list, add, show, change, delete, download."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.model.image import Image, ImageAlias
from holdfast.server.access import check_project
from holdfast.server.answers import accepted, done, sync
from holdfast.server.downloads import Part, send_file, send_parts
from holdfast.server.etag import check_if_match
from holdfast.server.image_names import extension_of
from holdfast.server.image_scope import image_caller, listed_images, wanted_image
from holdfast.server.image_sources import make_image
from holdfast.server.image_uploads import add_uploaded, pushed_image
from holdfast.server.listing import api_url, passing
from holdfast.server.moments import moment
from holdfast.server.render.images import image_etag, image_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.image_push import ImageTarget
from holdfast.service.images import ImageChange
from holdfast.wire import image as wire

_LIST = "/1.0/images"
_ONE = _LIST + "/{fingerprint}"


async def list_images(request: ApiRequest) -> web.StreamResponse:
    images, aliases = await listed_images(request)
    by_image: dict[tuple[str, str], list[ImageAlias]] = {}
    for alias in aliases:
        by_image.setdefault((alias.project, alias.target), []).append(alias)

    def shape(image: Image) -> wire.Image:
        return image_shape(image, by_image.get((image.project, image.fingerprint), ()))

    found = passing(request, images, shape)
    if request.recursion:
        return sync([shaped for _, shaped in found])
    return sync([api_url("images", image.fingerprint, project=image.project) for image, _ in found])


async def add_image(request: ApiRequest) -> web.StreamResponse:
    """Add a file that is sent, or make an image of what the JSON body names."""
    pushed = await pushed_image(request)
    if pushed is None:
        await check_project(_LIST, request)
    if "json" not in request.header("Content-Type") and request.http.body_exists:
        return accepted(await add_uploaded(request, pushed))
    if pushed is not None:
        raise BadRequestError("Must send the image's file or files with its secret")
    return accepted(await make_image(request, await request.body(wire.ImagesPost)))


async def get_image(request: ApiRequest) -> web.StreamResponse:
    image, shape = await _read(request)
    return sync(shape, etag=image_etag(image))


async def put_image(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ImagePut)
    change = ImageChange(
        public=sent.public,
        auto_update=sent.auto_update,
        properties=sent.properties,
        profiles=tuple(sent.profiles),
        expires_at=moment(sent.expires_at),
        replaces_expiry=True,
    )
    return await _change(request, change)


async def patch_image(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ImagePatch)
    image, _ = await _read(request)
    change = ImageChange(
        public=sent.public if isinstance(sent.public, bool) else None,
        auto_update=sent.auto_update if isinstance(sent.auto_update, bool) else None,
        properties={**image.properties, **sent.properties} if isinstance(sent.properties, dict) else None,
        profiles=tuple(sent.profiles) if isinstance(sent.profiles, list) else None,
        expires_at=moment(sent.expires_at),
    )
    return await _change(request, change)


async def delete_image(request: ApiRequest) -> web.StreamResponse:
    image, _ = await _read(request)
    return accepted(await request.run(request.services.images.delete, await image_caller(request), image.fingerprint))


async def export_image(request: ApiRequest) -> web.StreamResponse:
    """Send the file, or both files of a split image as one multipart body."""
    image, _ = await _read(request)
    main, rootfs = await request.run(request.services.images.files, image.project, image.fingerprint)
    await request.run(request.services.images.retrieved, request.caller, image)
    name = f"{image.fingerprint}{await request.run(extension_of, main)}"
    if rootfs is None:
        return await send_file(request, main, name)
    rootfs_name = f"{image.fingerprint}{await request.run(extension_of, rootfs)}"
    return await send_parts(request, [Part("metadata", f"meta-{name}", main), Part("rootfs", rootfs_name, rootfs)])


async def push_image(request: ApiRequest) -> web.StreamResponse:
    """Send the image to another server, which expects it."""
    sent = await request.body(wire.ImageExportPost)
    request.enter(request.project)
    image = await wanted_image(request, request.path("fingerprint"))
    target = ImageTarget(url=sent.target, certificate=sent.certificate, project=sent.project, secret=sent.secret)
    return accepted(await request.run(request.services.images.pusher.push, await image_caller(request), image, target))


async def create_secret(request: ApiRequest) -> web.StreamResponse:
    """Make a secret, in the operation's metadata, by which another server may have the image."""
    request.enter(request.project)
    image = await wanted_image(request, request.path("fingerprint"))
    return accepted(await request.run(request.services.images.tokens.grant_download, request.caller, image))


async def _read(request: ApiRequest) -> tuple[Image, wire.Image]:
    image = await wanted_image(request, request.path("fingerprint"))
    aliases = await request.run(request.services.images.aliases.list, image.project)
    return image, image_shape(image, [alias for alias in aliases if alias.target == image.fingerprint])


async def _change(request: ApiRequest, change: ImageChange) -> web.StreamResponse:
    image, _ = await _read(request)
    check_if_match(request.header("If-Match"), image_etag(image))
    await request.run(request.services.images.update, await image_caller(request), image.fingerprint, change)
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_images,
        summary="List images",
        permission=Permission.ANYONE,
        gives=list[wire.Image],
        query=("project", "all-projects", "recursion", "filter"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=add_image,
        summary="Add an image: a file, parts of a file, or what the JSON body names",
        permission=Permission.PROJECT_OR_SECRET,
        answer=Answer.ASYNC,
        takes=wire.ImagesPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_image,
        summary="Show an image",
        permission=Permission.ANYONE,
        gives=wire.Image,
        query=("project", "secret"),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_image,
        summary="Replace an image's properties",
        permission=Permission.PROJECT,
        takes=wire.ImagePut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_image,
        summary="Change an image's properties",
        permission=Permission.PROJECT,
        takes=wire.ImagePatch,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_image,
        summary="Delete an image",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
    ),
    Route(
        method="GET",
        path=_ONE + "/export",
        handler=export_image,
        summary="Download an image",
        permission=Permission.ANYONE,
        answer=Answer.FILE,
        query=("project", "secret"),
    ),
    Route(
        method="POST",
        path=_ONE + "/export",
        handler=push_image,
        summary="Send an image to another server",
        permission=Permission.TRUSTED,
        answer=Answer.ASYNC,
        takes=wire.ImageExportPost,
    ),
    Route(
        method="POST",
        path=_ONE + "/secret",
        handler=create_secret,
        summary="Let another server have an image",
        permission=Permission.TRUSTED,
        answer=Answer.ASYNC,
    ),
)
