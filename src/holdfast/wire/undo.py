"""The state before an instance's last restore. Of Holdfast alone: LXD keeps none."""

from __future__ import annotations

import msgspec


class Undo(msgspec.Struct, kw_only=True):
    """`snapshot` was restored at `created_at`; `size` is -1 where it isn't known."""

    snapshot: str
    created_at: str
    expires_at: str
    size: int
