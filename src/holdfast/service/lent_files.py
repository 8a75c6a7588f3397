"""Files of clients on this machine that are read where they are, instead of being sent and kept."""

from __future__ import annotations

from holdfast.host.lent import LentDescriptor, open_lent
from holdfast.model.errors import PreconditionError
from holdfast.streams.growing import ArrivingFile, LentFile

ImportedFile = ArrivingFile
"""What is imported, whether it was sent or is lent."""


def lent_file(process: int | None, facts: tuple[int, int, int, int, int]) -> ImportedFile:
    """Return the file that a process has open; `facts` are those of `LentDescriptor`, in their order.

    Raises `PreconditionError` where it can't be seen from here: it must be sent then.
    """
    lent = LentDescriptor(*facts)
    descriptor = None if process is None else open_lent(process, lent)
    if descriptor is None:
        raise PreconditionError(f"The server doesn't see the file of descriptor {lent.number}: send it")
    return LentFile(descriptor)
