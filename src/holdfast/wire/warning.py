"""Warnings."""

from __future__ import annotations

import msgspec


class ServerWarning(msgspec.Struct, kw_only=True):
    """`project` and `entity_url` are empty for what belongs to none."""

    status: str
    uuid: str
    location: str = "none"
    project: str
    type: str
    count: int
    first_seen_at: str
    last_seen_at: str
    last_message: str
    severity: str
    entity_url: str


class WarningPut(msgspec.Struct, kw_only=True):
    """Only the status can change: "acknowledged" or "new"."""

    status: str = ""
