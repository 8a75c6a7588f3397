"""Turn what the kernel and the tools say into our errors: what was done, and the cause, in one line."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Final

from holdfast.model.errors import CommandError, HoldfastError, NoSpaceError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS: Final = ("No space left on device", "uota exceeded", "out of space")


def is_full(error: CommandError) -> bool:
    """Tell whether a command failed for want of space."""
    return any(text in error.stderr for text in _FULL_TEXTS)


@contextlib.contextmanager
def explained(doing: str, kind: type[HoldfastError]) -> Iterator[None]:
    """Raise `NoSpaceError` for a failure of the body for want of space, `kind` for any other; `doing` comes first."""
    try:
        yield
    except OSError as error:
        names = " -> ".join(_shown(name) for name in (error.filename, error.filename2) if name)
        cause = f"{error.strerror}: {names}" if names else f"{error.strerror}"
        raise (NoSpaceError if error.errno in _FULL else kind)(f"{doing}: {cause}") from error
    except CommandError as error:
        if is_full(error):
            raise NoSpaceError(f"{doing}: {error.stderr.strip().splitlines()[-1]}") from error
        raise kind(f"{doing}: {error}") from error


def _shown(name: object) -> str:
    """Return a name as it is, unless it would garble a line: those inside trees may hold anything."""
    text = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else str(name)
    return text if text.isprintable() else ascii(text)
