"""Images that arrive as files: one tarball, or metadata and root file system as two parts of one body."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

from holdfast.model.errors import BadRequestError, NotAuthorizedError, ProjectNotFoundError
from holdfast.model.operation import Operation
from holdfast.server.access import SECRET_HEADER
from holdfast.server.image_scope import image_caller, image_project
from holdfast.server.request import ApiRequest
from holdfast.server.uploads import spooled_body, spooled_parts
from holdfast.service.image_add import ImageRequest

_ROOTFS_PARTS = ("rootfs", "rootfs.img")


async def pushed_image(request: ApiRequest) -> ImageRequest | None:
    """Return what becomes of the image that is brought with a secret of ours, which is used up; None without one."""
    secret = request.header(SECRET_HEADER)
    if not secret:
        return None
    fingerprint = request.header("X-LXD-fingerprint").lower()
    try:
        project = await image_project(request)
    except ProjectNotFoundError:
        raise NotAuthorizedError from None  # which projects there are isn't for everybody
    return await request.run(request.services.images.tokens.take_upload, project, fingerprint, secret)


async def add_uploaded(request: ApiRequest, pushed: ImageRequest | None) -> Operation:
    """Receive the files, then start to add them: as the headers say, or as it was agreed on for a pushed image."""
    caller = await image_caller(request)
    if not request.header("Content-Type").startswith("multipart/"):
        async with spooled_body(request) as spool:
            wanted = described(request, pushed=pushed)
            return await request.run(request.services.images.add_unified, caller, spool.hand_over(), wanted)
    async with spooled_parts(request) as parts:
        rootfs = next((parts[name] for name in _ROOTFS_PARTS if name in parts), None)
        if "metadata" not in parts or rootfs is None:
            raise BadRequestError("Invalid multipart image: needs the parts metadata and rootfs")
        metadata, file_name = parts["metadata"]
        wanted = described(request, file_name, pushed)
        return await request.run(
            request.services.images.add_split, caller, metadata.hand_over(), rootfs[0].hand_over(), wanted
        )


def described(request: ApiRequest, file_name: str = "", pushed: ImageRequest | None = None) -> ImageRequest:
    """Return what the headers tell about the image; of a pushed one they tell the name of the file and no more."""
    if pushed is not None:
        name = pushed.filename or request.header("X-LXD-filename") or file_name
        return replace(pushed, filename=name, fingerprint=request.header("X-LXD-fingerprint"), is_pushed=True)
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
