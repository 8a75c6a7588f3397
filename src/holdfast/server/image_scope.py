"""Which images a request is about: a project without its own shares those of the default one, and who may not enter a
project sees what is public in it."""

from __future__ import annotations

from dataclasses import replace

from holdfast.model.errors import ImageNotFoundError, ProjectNotFoundError
from holdfast.model.image import Image, ImageAlias
from holdfast.server.request import ApiRequest
from holdfast.service.caller import Caller


async def image_project(request: ApiRequest) -> str:
    return await request.run(request.services.projects.image_project, request.project)


async def image_caller(request: ApiRequest) -> Caller:
    return replace(request.caller, project=await image_project(request))


def is_guest(request: ApiRequest) -> bool:
    """Tell whether the one who asks sees no more than what is public."""
    return not request.access.may_enter(request.project)


async def listed_images(request: ApiRequest) -> tuple[list[Image], list[ImageAlias]]:
    """Return the images that may be seen, with the aliases of all."""
    images, is_everywhere = request.services.images, request.projects is None
    try:
        project = None if is_everywhere else await image_project(request)
        found = await request.run(images.list, project)
        aliases = await request.run(images.aliases.list, project)
    except ProjectNotFoundError:
        if not is_guest(request):
            raise
        return [], []  # which projects there are isn't for guests
    if is_everywhere:
        return [image for image in found if image.public or request.access.may_enter(image.project)], aliases
    return [image for image in found if image.public or not is_guest(request)], aliases


async def wanted_image(request: ApiRequest, fingerprint: str) -> Image:
    """Return the image with a fingerprint that is, or begins with, this, if it may be seen."""
    if not is_guest(request):
        return await request.run(request.services.images.get, await image_project(request), fingerprint)
    if secret := request.query("secret"):
        return await _image_for_secret(request, fingerprint, secret)
    images, _ = await listed_images(request)
    found = [image for image in images if image.fingerprint.startswith(fingerprint)]
    if len(found) != 1:
        raise ImageNotFoundError(fingerprint)
    return found[0]


async def _image_for_secret(request: ApiRequest, fingerprint: str, secret: str) -> Image:
    images = request.services.images
    try:
        project = await image_project(request)
    except ProjectNotFoundError:
        raise ImageNotFoundError(fingerprint) from None
    whole = await request.run(images.tokens.downloadable, project, fingerprint, secret)
    if whole is None:
        raise ImageNotFoundError(fingerprint)
    return await request.run(images.get, project, whole)
