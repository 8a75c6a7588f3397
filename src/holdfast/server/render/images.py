"""Images and aliases as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.model.image import Image, ImageAlias
from holdfast.server.etag import etag_of
from holdfast.wire import image as wire
from holdfast.wire.timestamps import to_wire


def image_shape(image: Image, aliases: Iterable[ImageAlias]) -> wire.Image:
    """`aliases` are those of this image."""
    return wire.Image(
        auto_update=image.auto_update,
        properties=dict(image.properties),
        public=image.public,
        expires_at=to_wire(image.expires_at),
        profiles=list(image.profiles),
        aliases=[wire.AliasEntry(name=each.name, description=each.description) for each in aliases],
        architecture=image.architecture,
        cached=image.cached,
        filename=image.filename,
        fingerprint=image.fingerprint,
        size=image.size_bytes,
        type=image.type.value,
        created_at=to_wire(image.created_at),
        last_used_at=to_wire(image.last_used_at),
        uploaded_at=to_wire(image.uploaded_at),
    )


def image_etag(image: Image) -> str:
    return etag_of(image.public, image.auto_update, image.properties, image.profiles, to_wire(image.expires_at))


def alias_shape(alias: ImageAlias) -> wire.ImageAlias:
    return wire.ImageAlias(description=alias.description, target=alias.target, name=alias.name, type=alias.type.value)


def alias_etag(alias: ImageAlias) -> str:
    return etag_of(alias.description, alias.target)
