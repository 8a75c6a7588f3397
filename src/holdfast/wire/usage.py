"""How much something takes on disk. Of Holdfast alone."""

from __future__ import annotations

import msgspec


class TreeUsage(msgspec.Struct, kw_only=True):
    """`bytes` as if nothing was shared with other trees; not complete where time was up before all was seen."""

    bytes: int
    entries: int
    complete: bool
