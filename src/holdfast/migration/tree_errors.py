"""What the kernel says while a tree crosses, as errors of a transfer."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from holdfast.model.errors import MigrationError, NoSpaceError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raise `MigrationError`, or `NoSpaceError`, for what the kernel refuses the body."""
    try:
        yield
    except OSError as error:
        kind = NoSpaceError if error.errno in _FULL else MigrationError
        where = f": {error.filename!r}" if error.filename else ""
        raise kind(f"Failed {doing}: {error.strerror}{where}") from error
