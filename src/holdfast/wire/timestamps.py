"""Times as the API writes them: RFC 3339 in UTC, where year 1 stands for "never" and 1970 for "not used yet"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

ZERO: Final = "0001-01-01T00:00:00Z"
"""Go's zero time: never, unset."""
EPOCH: Final = "1970-01-01T00:00:00Z"
"""What an instance that was never started has as `last_used_at`."""

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d{2}):(\d{2}))", re.ASCII
)


def to_wire(moment: datetime | None, absent: str = ZERO) -> str:
    """Return the moment as Go prints it: UTC, the fraction without trailing zeros; `absent` for None."""
    if moment is None:
        return absent
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def from_wire(text: str | None) -> datetime | None:
    """Return the moment, None for what means never: nothing, year 1. Raises ValueError for what is no time."""
    if not text or is_zero(text):
        return None
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no RFC 3339 time')
    year, month, day, hour, minute, second = (int(found[n]) for n in range(1, 7))
    microsecond = int((found[7] or "0").ljust(9, "0")[:6])
    try:
        offset = timedelta(hours=int(found[10] or 0), minutes=int(found[11] or 0))
        zone = timezone(-offset if found[9] == "-" else offset)
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is no RFC 3339 time: {error}') from error


def is_zero(text: str | None) -> bool:
    """Tell whether a time was given and is Go's zero time."""
    return text is not None and text.startswith("0001-01-01T00:00:00")
