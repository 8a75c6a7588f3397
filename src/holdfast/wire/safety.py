"""How safe things are. Of Holdfast alone, so absent times are null."""

from __future__ import annotations

import msgspec


class Safety(msgspec.Struct, kw_only=True):
    """Of one instance or custom volume: `subject` is its URL, `type` "instance" or "volume".

    `newest_copy_at` is told of copies that this server keeps of another one's instances: as that was then.
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
