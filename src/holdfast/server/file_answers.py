"""What requests for files have in common: the wanted path, the facts in headers, directories and links as answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import sync
from holdfast.server.downloads import send_descriptor
from holdfast.server.request import ApiRequest
from holdfast.service.files import FileInfo
from holdfast.wire import files as wire
from holdfast.wire.timestamps import to_wire

_ENTRY_KINDS: Final = ("directory", "symlink")
"""What is answered as a whole; the content of all else is read, if it is a regular file."""


def wanted_path(request: ApiRequest) -> str:
    """Return the absolute path that the query names."""
    path = request.file_path()
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


def _file_answer(request: ApiRequest, path: str, info: FileInfo, descriptor: int) -> web.StreamResponse:
    """Answer with the content of a file, which is closed then; `download` has browsers save it."""
    name = path.rpartition("/")[2]
    return send_descriptor(descriptor, name, fact_headers(info), is_download=request.flag("download"))


async def reading_answer(
    request: ApiRequest,
    path: str,
    *,
    look: Callable[[str], FileInfo],
    list_entries: Callable[[str], Mapping[str, FileInfo]],
    read: Callable[[str], tuple[FileInfo, int]],
) -> web.StreamResponse:
    """Answer with a file's content, a directory's names or a symlink's target; facts are in the headers.

    With recursion=1 a directory's entries come with their facts.
    """
    if request.recursion:
        return _listing_answer(await request.run(list_entries, path))
    info = await request.run(look, path)
    if info.kind in _ENTRY_KINDS:
        return _entry_answer(info)
    info, descriptor = await request.run(read, path)
    return _file_answer(request, path, info, descriptor)


def _listing_answer(found: Mapping[str, FileInfo]) -> web.StreamResponse:
    """Answer with the entries of a directory and their facts; what is no text in a name is shown as "\ufffd"."""
    return sync([_entry(name, info) for name, info in found.items()])


def _entry(name: str, info: FileInfo) -> wire.FileEntry:
    return wire.FileEntry(
        name=readable(name),
        type=info.kind,
        size=info.size,
        mode=f"{info.mode:04o}",
        uid=info.uid,
        gid=info.gid,
        modified=to_wire(datetime.fromtimestamp(info.modified_ns // 10**9, UTC)),
        target=readable(info.target),
    )


def readable(name: str | bytes) -> str:
    """Return a name as text that can be sent; what is no UTF-8 in it is shown as "\ufffd"."""
    raw = name if isinstance(name, bytes) else name.encode(errors="surrogateescape")
    return raw.decode(errors="replace")


def _entry_answer(info: FileInfo) -> web.StreamResponse:
    """Answer with the names in a directory or the target of a symlink."""
    if info.kind == "directory":
        return sync(list(info.entries), headers=fact_headers(info))
    return web.Response(
        body=info.target.encode(errors="surrogateescape"),
        content_type="application/octet-stream",
        headers=fact_headers(info),
    )
