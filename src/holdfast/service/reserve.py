"""Writing what others send without taking the last room of a file system."""

from __future__ import annotations

import errno
import os
from typing import Final

from holdfast.model.errors import NoSpaceError

RESERVE_BYTES: Final = 64 * 1024 * 1024
"""Kept free where uploads are spooled: the database is there, too, and must still be written."""


def write_with_reserve(descriptor: int, data: bytes) -> None:
    """Write all of it, unless less than the reserve would be left: `NoSpaceError`, and nothing or a part is written."""
    view = memoryview(data)
    try:
        facts = os.fstatvfs(descriptor)
        if facts.f_bavail * facts.f_frsize < len(data) + RESERVE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError("No space left for the upload on the server") from error
        raise
