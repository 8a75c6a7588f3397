"""What an image is made of, as requests say it: an instance, a recipe, or an image of another server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from holdfast.model.errors import BadRequestError, UnsupportedError
from holdfast.model.operation import JsonValue, Operation
from holdfast.server.image_scope import image_caller
from holdfast.server.moments import moment
from holdfast.server.request import ApiRequest
from holdfast.service.image_add import ImageRequest
from holdfast.service.image_fetch import RemoteImage
from holdfast.service.publish import PublishRequest
from holdfast.wire import image as wire

_WHOLE_LENGTH = 64


class RemoteSource(Protocol):
    """What requests for images and for instances have in common where they name another server."""

    server: str
    protocol: str
    mode: str
    certificate: str
    secret: str
    alias: str
    fingerprint: str
    project: str


def remote_image(sent: RemoteSource) -> RemoteImage:
    """Return the image of another server that a request names."""
    if sent.mode not in ("", "pull"):
        raise UnsupportedError(f'Mode "{sent.mode}" not implemented')
    if sent.protocol not in ("", "lxd"):
        raise UnsupportedError(f'Fetching images by the protocol "{sent.protocol}" isn\'t served, by "lxd" it is')
    if not sent.server:
        raise BadRequestError("Must specify the server of the image")
    name = sent.fingerprint or sent.alias
    if not name:
        raise BadRequestError("Must specify one of alias or fingerprint for the image")
    return RemoteImage(
        url=sent.server, certificate=sent.certificate, project=sent.project, name=name, secret=sent.secret
    )


async def make_image(request: ApiRequest, sent: wire.ImagesPost) -> Operation:
    """Start to make an image of what the body names, or to expect one from another server."""
    source, services = sent.source or wire.ImageSource(), request.services
    wanted = _wanted(sent)
    if source.mode == "push":
        return await _expect(request, source, sent, wanted)
    if source.type == "build":
        return await request.run(services.image_build.build, await image_caller(request), source.recipe, wanted)
    if source.type in ("instance", "container", "virtual-machine", "snapshot"):
        return await _publish(request, source, sent, wanted)
    if source.type == "image":
        return await request.run(
            services.images.fetcher.fetch, await image_caller(request), remote_image(source), wanted
        )
    if source.type == "url":
        raise UnsupportedError(
            "Images from an address on the web aren't fetched: download the file and import it, or copy the image "
            "from a server that has it"
        )
    raise BadRequestError("Invalid images JSON")


def expiry(text: str | None) -> datetime | None:
    """Return when an image expires, None for never, which LXD writes as 1970, too."""
    found = moment(text)
    return found if found is not None and found.timestamp() > 0 else None


def _wanted(sent: wire.ImagesPost) -> ImageRequest:
    return ImageRequest(
        filename=sent.filename,
        public=sent.public,
        auto_update=sent.auto_update,
        properties=sent.properties,
        profiles=None if sent.profiles is None else tuple(sent.profiles),
        expires_at=expiry(sent.expires_at),
        aliases=tuple((alias.name, alias.description) for alias in sent.aliases),
    )


async def _expect(
    request: ApiRequest, source: wire.ImageSource, sent: wire.ImagesPost, wanted: ImageRequest
) -> Operation:
    fingerprint = source.fingerprint.lower()
    if len(fingerprint) != _WHOLE_LENGTH or not all(character in "0123456789abcdef" for character in fingerprint):
        raise BadRequestError("Must specify the whole fingerprint of the image that is to be pushed")
    told: dict[str, JsonValue] = {
        "aliases": [{"name": alias.name, "description": alias.description} for alias in sent.aliases],
        "expires_at": sent.expires_at,
        "properties": {**sent.properties},
        "public": sent.public,
    }
    if sent.properties:  # those of the image where it comes from: what it lost of the file's isn't to come back
        wanted = replace(wanted, known_properties=sent.properties)
    grant = request.services.images.tokens.grant_upload
    return await request.run(grant, await image_caller(request), fingerprint, wanted, told)


async def _publish(
    request: ApiRequest, source: wire.ImageSource, sent: wire.ImagesPost, wanted: ImageRequest
) -> Operation:
    instance, slash, snapshot = source.name.partition("/")
    if (source.type == "snapshot") != bool(slash and snapshot):
        raise BadRequestError(f'Invalid image source "{source.name}" for type "{source.type}"')
    publish = PublishRequest(
        instance=instance,
        snapshot=snapshot or None,
        compression=sent.compression_algorithm,
        image=wanted,
    )
    return await request.run(request.services.images.publish, request.caller, publish)
