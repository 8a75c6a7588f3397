"""How much something takes on disk. Of Holdfast alone."""

from __future__ import annotations

import msgspec


class TreeUsage(msgspec.Struct, kw_only=True):
    """`bytes` as if nothing was shared with other trees; not complete where time was up before all was seen."""

    bytes: int
    entries: int
    complete: bool
    measured_at: str


class RememberedUsage(TreeUsage, kw_only=True):
    """The last measure of an instance, a custom volume, or a snapshot of one; `subject` is the URL of that."""

    subject: str
