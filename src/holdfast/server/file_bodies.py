"""What requests ask to be written: a file, a directory or a symlink, as the headers say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.server.file_answers import wanted_path
from holdfast.server.request import ApiRequest
from holdfast.server.uploads import spooled_body
from holdfast.service.files import FileWrite

Write = Callable[[FileWrite, int | None], None]
"""Writes what is asked for; the descriptor is of a file's content."""

_LARGEST_ID: Final = 2**32 - 2
_MOST_DIGITS: Final = 10
_KINDS: Final = ("file", "directory", "symlink")


async def write_wanted(request: ApiRequest, write: Write) -> None:
    """Have it written, once all of it has come."""
    kind = request.header("X-LXD-type") or "file"
    if kind not in _KINDS:
        raise BadRequestError(f"Bad file type: {kind}")
    wanted = FileWrite(
        path=wanted_path(request),
        kind=kind,
        uid=_number(request, "uid"),
        gid=_number(request, "gid"),
        mode=_mode(request.header("X-LXD-mode")),
        is_append=_is_append(request.header("X-LXD-write")),
        target=(await request.text()) if kind == "symlink" else "",
    )
    if kind != "file":
        await request.run(write, wanted, None)
        return
    async with spooled_body(request) as spool:
        await request.run(_write_from, write, wanted, spool.path)


def _write_from(write: Write, wanted: FileWrite, spooled: Path) -> None:
    descriptor = os.open(spooled, os.O_RDONLY | os.O_CLOEXEC)
    try:
        write(wanted, descriptor)
    finally:
        os.close(descriptor)


def _number(request: ApiRequest, name: str) -> int | None:
    text = request.header(f"X-LXD-{name}")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) <= _LARGEST_ID):
        raise BadRequestError(f"Invalid {name} {text}")
    return int(text)


def _mode(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text, 8) & 0o7777
    except ValueError:
        raise BadRequestError(f"Invalid mode {text}") from None


def _is_append(text: str) -> bool:
    if text not in ("", "overwrite", "append"):
        raise BadRequestError(f"Bad file write mode: {text}")
    return text == "append"
