"""Files of clients on this machine that are read, or written, where they are, instead of being sent."""

from __future__ import annotations

import io
import os

from holdfast.host.lent import LentDescriptor, open_lent
from holdfast.model.errors import BadRequestError, PreconditionError
from holdfast.streams.growing import ArrivingFile, LentFile

ImportedFile = ArrivingFile
"""What is imported, whether it was sent or is lent."""
Facts = tuple[int, int, int, int, int]
"""What a client says of its descriptor: the fields of `LentDescriptor`, in their order."""


def lent_file(process: int | None, facts: Facts) -> ImportedFile:
    """Return the file that a process has open to be read.

    Raises `PreconditionError` where it can't be seen from here: it must be sent then.
    """
    return LentFile(_opened(process, LentDescriptor(*facts), "send it"))


def lent_target(process: int | None, facts: Facts) -> io.FileIO:
    """Return the empty file that a process has open to be written; whoever gets it closes it.

    Raises `PreconditionError` where it can't be seen from here: what is for it must be fetched then.
    """
    lent = LentDescriptor(*facts)
    if lent.size_bytes:
        raise BadRequestError(f"The file of descriptor {lent.number} has {lent.size_bytes} bytes: lend an empty one")
    return os.fdopen(_opened(process, lent, "fetch the export", is_written=True), "r+b", 0)


def _opened(process: int | None, lent: LentDescriptor, instead: str, *, is_written: bool = False) -> int:
    descriptor = None if process is None else open_lent(process, lent, is_written=is_written)
    if descriptor is None:
        raise PreconditionError(f"The server doesn't see the file of descriptor {lent.number}: {instead}")
    return descriptor
