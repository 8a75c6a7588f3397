"""What requests for files have in common: the wanted path, the facts in headers, directories and links as answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import sync
from holdfast.server.request import ApiRequest
from holdfast.service.files import FileInfo

ENTRY_KINDS: Final = ("directory", "symlink")
"""What is answered as a whole; the content of all else is read, if it is a regular file."""


def wanted_path(request: ApiRequest) -> str:
    """Return the absolute path that the query names."""
    path = request.query("path")
    if not path:
        raise BadRequestError("Missing path argument")
    return path if path.startswith("/") else f"/{path}"


def fact_headers(info: FileInfo) -> dict[str, str]:
    modified = datetime.fromtimestamp(info.modified_ns // 10**9, UTC)
    return {
        "X-LXD-uid": str(info.uid),
        "X-LXD-gid": str(info.gid),
        "X-LXD-mode": f"{info.mode:04o}",
        "X-LXD-modified": f"{modified:%Y-%m-%d %H:%M:%S} +0000 UTC",
        "X-LXD-type": info.kind,
    }


def entry_answer(info: FileInfo) -> web.StreamResponse:
    """Answer with the names in a directory or the target of a symlink."""
    if info.kind == "directory":
        return sync(list(info.entries), headers=fact_headers(info))
    return web.Response(
        body=info.target.encode(errors="surrogateescape"),
        content_type="application/octet-stream",
        headers=fact_headers(info),
    )
