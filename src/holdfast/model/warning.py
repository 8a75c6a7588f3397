"""Warnings: what went wrong while nobody asked, kept until somebody has seen it or it is right again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

SCHEDULE_FAILED: Final = "Snapshot schedule failing"
PROTECTION_FAILED: Final = "Pulling copies from another server failing"
COPY_LATE: Final = "Copy is older than it should be"
POOL_UNAVAILABLE: Final = "Storage pool unavailable"


class WarningStatus(StrEnum):
    """What became of a warning."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has seen it; it lasts."""
    RESOLVED = "resolved"
    """It is right again."""


class Severity(StrEnum):
    """How bad it is."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


_SEVERITY: Final[Mapping[str, Severity]] = {
    SCHEDULE_FAILED: Severity.HIGH,
    PROTECTION_FAILED: Severity.HIGH,
    COPY_LATE: Severity.HIGH,
    POOL_UNAVAILABLE: Severity.HIGH,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WarningRecord:
    """One warning: there is one of each kind about each entity, however often it happens.

    `kind` is the sentence that people read, `entity` the path of what it is about (`/1.0/instances/web`), "" the
    server. `project` is None for what belongs to none.
    """

    id: str
    project: str | None
    kind: str
    entity: str
    message: str
    status: WarningStatus = WarningStatus.NEW
    occurrences: int = 1
    first_seen_at: datetime
    last_seen_at: datetime

    @property
    def severity(self) -> Severity:
        return _SEVERITY.get(self.kind, Severity.MODERATE)
