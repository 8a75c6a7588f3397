"""Turn what the kernel and the tools say into the errors of storage: pool, verb and cause in one line."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from holdfast.model.errors import CommandError, NoSpaceError, StorageError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS: Final = ("No space left on device", "uota exceeded", "out of space")


def is_full(error: CommandError) -> bool:
    """Tell whether a command failed for want of space."""
    return any(text in error.stderr for text in _FULL_TEXTS)


@contextlib.contextmanager
def explained(pool: str, doing: str) -> Iterator[None]:
    """Raise `StorageError`, or `NoSpaceError`, for a failure of the body; `doing` names verb and volume."""
    try:
        yield
    except OSError as error:
        kind = NoSpaceError if error.errno in _FULL else StorageError
        names = " -> ".join(str(name) for name in (error.filename, error.filename2) if name)
        cause = f"{error.strerror}: {names}" if names else f"{error.strerror}"
        raise kind(f'Storage pool "{pool}": {doing}: {cause}') from error
    except CommandError as error:
        kind = NoSpaceError if is_full(error) else StorageError
        raise kind(f'Storage pool "{pool}": {doing}: {error}') from error
