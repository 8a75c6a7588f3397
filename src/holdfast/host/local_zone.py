"""The time zone of this machine, with its rules: what people mean by "at two in the morning"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME: Final = Path("/etc/localtime")


def local_zone(environment: Mapping[str, str], localtime: Path = LOCALTIME) -> tzinfo:
    """Return the zone that TZ names, else the one of /etc/localtime (tzset(3)), else UTC.

    A plain offset would not do: it has no rules for the change of the clock.
    """
    name = environment.get("TZ", "").removeprefix(":")
    if name:
        try:
            return _of_file(Path(name)) if name.startswith("/") else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UTC
    try:
        return _of_file(localtime)
    except (ValueError, OSError):
        return UTC


def _of_file(path: Path) -> tzinfo:
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=str(path.resolve()).rpartition("zoneinfo/")[2] or None)
