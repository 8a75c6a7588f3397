"""Images that arrive as files: one tarball, or metadata and root file system as two parts of one body."""

from __future__ import annotations

from urllib.parse import parse_qsl

from holdfast.model.errors import BadRequestError
from holdfast.model.operation import Operation
from holdfast.server.image_scope import image_caller
from holdfast.server.request import ApiRequest
from holdfast.server.uploads import spooled_body, spooled_parts
from holdfast.service.image_add import ImageRequest

_ROOTFS_PARTS = ("rootfs", "rootfs.img")


async def add_uploaded(request: ApiRequest) -> Operation:
    """Receive the files, then start to add them."""
    caller = await image_caller(request)
    if not request.header("Content-Type").startswith("multipart/"):
        async with spooled_body(request) as spool:
            wanted = described(request)
            return await request.run(request.services.images.add_unified, caller, spool.hand_over(), wanted)
    async with spooled_parts(request) as parts:
        rootfs = next((parts[name] for name in _ROOTFS_PARTS if name in parts), None)
        if "metadata" not in parts or rootfs is None:
            raise BadRequestError("Invalid multipart image: needs the parts metadata and rootfs")
        metadata, file_name = parts["metadata"]
        wanted = described(request, file_name)
        return await request.run(
            request.services.images.add_split, caller, metadata.hand_over(), rootfs[0].hand_over(), wanted
        )


def described(request: ApiRequest, file_name: str = "") -> ImageRequest:
    """Return what the headers tell about the image."""
    properties = dict(parse_qsl(request.header("X-LXD-properties"), keep_blank_values=True))
    profiles = [value for key, value in parse_qsl(request.header("X-LXD-profiles")) if key == "profile"]
    return ImageRequest(
        filename=request.header("X-LXD-filename") or file_name,
        public=request.header("X-LXD-public").lower() in ("1", "true", "yes", "on"),
        properties=properties,
        profiles=tuple(profiles) or None,
        fingerprint=request.header("X-LXD-fingerprint"),
        aliases=_aliases(request.header("X-LXD-aliases")),
    )


def _aliases(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, "") for key, value in parse_qsl(text) if key == "alias")
