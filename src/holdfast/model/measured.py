"""What was measured of an instance, a custom volume or a snapshot, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a size is of: an instance, a custom volume where `is_volume`; `snapshot` "" is what there is now."""

    project: str
    pool: str
    name: str
    snapshot: str = ""
    is_volume: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredSize:
    """Bytes on disk as if nothing was shared; not complete where time was up before all was seen."""

    subject: Subject
    size_bytes: int
    entries: int
    is_complete: bool
    measured_at: datetime
