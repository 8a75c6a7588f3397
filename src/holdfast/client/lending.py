"""Files that a server on this machine reads, or writes, where we have them open: nothing of them crosses a socket."""

from __future__ import annotations

import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from holdfast.client.connection import Connection
from holdfast.client.endpoints import UnixEndpoint
from holdfast.client.errors import ApiError

IMPORT_EXTENSION: Final = "holdfast_import_lent"
EXPORT_EXTENSION: Final = "holdfast_export_lent"
_T = TypeVar("_T")


def named(descriptor: int) -> str:
    """Return what names a file that is open to the server, as it is now."""
    facts = os.fstat(descriptor)
    return f"{descriptor} {facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"


def lent(connection: Connection, name: str, ask: Callable[[dict[str, str]], _T]) -> _T | None:
    """Ask with the header that lends the file; return None where the server can't see it, and has done nothing."""
    if not isinstance(connection.endpoint, UnixEndpoint):
        return None
    try:
        return ask({"X-Holdfast-descriptor": name})
    except ApiError as error:
        if error.status != HTTPStatus.PRECONDITION_FAILED:
            raise
        return None
