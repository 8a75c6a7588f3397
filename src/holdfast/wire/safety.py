"""How safe things are. Of Holdfast alone, so absent times are null."""

from __future__ import annotations

import msgspec


class Safety(msgspec.Struct, kw_only=True):
    """Of one instance or custom volume: `subject` is its URL, `type` "instance" or "volume".

    `newest_copy_at` is when it was sent to another server last, or, of a copy that is kept here, when it was pulled.
    """

    subject: str
    type: str
    project: str
    pool: str
    name: str
    snapshots: int
    newest_snapshot_at: str | None
    newest_export_at: str | None
    newest_copy_at: str | None
