"""Values in the documents of an export file: times, maps of texts, the pool; written and read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from holdfast.model.errors import ArchiveError
from holdfast.model.storage import Pool
from holdfast.wire.backup_index import PoolEntry

ZERO_TIME: Final = "0001-01-01T00:00:00Z"


def text_of(time: datetime | None, absent: str = ZERO_TIME) -> str:
    """Return RFC 3339."""
    return absent if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def time_of(text: str | None) -> datetime | None:
    """Read RFC 3339 with up to nanoseconds; LXD's zero times mean "none"."""
    if not text or text.startswith(("0001-", "1970-01-01T00:00:00")):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArchiveError(f'Backup config holds a time that is none: "{text[:40]}"') from error


def strings(values: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return a map without what is null in it."""
    return {key: value for key, value in (values or {}).items() if value is not None}


def pool_entry(pool: Pool) -> PoolEntry:
    return PoolEntry(
        config=dict(pool.config),
        description=pool.description,
        name=pool.name,
        driver=pool.driver,
        used_by=[],
        status="Created",
        locations=["none"],
    )
