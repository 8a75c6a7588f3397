"""Export files that wait on the server to be downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupOwner:
    """What an export is of: an instance, or with a pool a custom volume. `project` is the one that it is in."""

    project: str
    name: str
    pool: str = ""

    @property
    def is_volume(self) -> bool:
        return bool(self.pool)


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A server-side export file; with `is_alone` it holds no snapshots."""

    owner: BackupOwner
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    is_alone: bool = False
    optimized_storage: bool = False
    compression: str = ""
