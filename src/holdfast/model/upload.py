"""A file that comes to the server in pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """`offset_bytes` have come of `size_bytes` (None: as much as there will be)."""

    id: str
    project: str
    size_bytes: int | None
    offset_bytes: int
    created_at: datetime
    expires_at: datetime

    def grown(self, offset_bytes: int, expires_at: datetime) -> Upload:
        """Return it after more has come."""
        return replace(self, offset_bytes=offset_bytes, expires_at=expires_at)
