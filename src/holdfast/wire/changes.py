"""What differs between two points of an instance or volume. Of Holdfast alone, so what is absent is null."""

from __future__ import annotations

import msgspec


class ChangedEntry(msgspec.Struct, kw_only=True):
    """`change` is "added", "changed" or "removed", `type` "file", "directory", "symlink" or "other".

    `what` says what of a changed one: type, size, time, mode, owner, target, device, attributes. Sizes are of files.
    """

    path: str
    change: str
    type: str
    old_size: int | None
    new_size: int | None
    what: list[str]


class Changes(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    """A page of them, in the order of paths, and the numbers of all. `to` is "" for now.

    Where it isn't complete, time was up before all was seen: ask for a directory.
    """

    from_: str
    to: str
    path: str
    added: int
    changed: int
    removed: int
    complete: bool
    entries: list[ChangedEntry]
    next_offset: int | None
