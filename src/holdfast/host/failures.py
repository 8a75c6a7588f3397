"""Turn what the kernel and the tools say into our errors: what was done, and the cause, in one line."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Final

from holdfast.model.errors import CommandError, HoldfastError, NoSpaceError, QuotaError

_SHORTAGES: Final = {errno.ENOSPC: NoSpaceError, errno.EDQUOT: QuotaError}
_OVER_QUOTA: Final = "uota exceeded"
"""How the kernel, and the tools after it, word that what is written to has used up its own size."""
_FULL_TEXTS: Final = ("No space left on device", "out of space")

WORDS: Final[dict[type[NoSpaceError], str]] = {
    NoSpaceError: os.strerror(errno.ENOSPC),
    QuotaError: os.strerror(errno.EDQUOT),
}
"""What to say where a tool says it among other things."""


def shortage(told: str) -> type[NoSpaceError] | None:
    """Return which want of space a command tells of, by what it wrote on standard error; None for another failure."""
    if _OVER_QUOTA in told:
        return QuotaError
    return NoSpaceError if any(text in told for text in _FULL_TEXTS) else None


def is_full(error: CommandError) -> bool:
    """Tell whether a command failed for want of space."""
    return shortage(error.stderr) is not None


@contextlib.contextmanager
def explained(doing: str, kind: type[HoldfastError]) -> Iterator[None]:
    """Raise `kind` for a failure of the body; `doing` comes first.

    For want of space it is `NoSpaceError`, or `QuotaError` where what is written to has used up its own size.
    """
    try:
        yield
    except OSError as error:
        names = " -> ".join(_shown(name) for name in (error.filename, error.filename2) if name)
        cause = f"{error.strerror}: {names}" if names else f"{error.strerror}"
        raise _SHORTAGES.get(error.errno or 0, kind)(f"{doing}: {cause}") from error
    except CommandError as error:
        if lacking := shortage(error.stderr):
            raise lacking(f"{doing}: {error.stderr.strip().splitlines()[-1]}") from error
        raise kind(f"{doing}: {error}") from error


def _shown(name: object) -> str:
    """Return a name as it is, unless it would garble a line: those inside trees may hold anything."""
    text = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else str(name)
    return text if text.isprintable() else ascii(text)
