"""How numbers and times of the API are written for people, as `lxc` writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

OWNER_ID = click.IntRange(0, 2**32 - 2)
"""A user or group id; the last number of 32 bits means "leave it as it is" to the kernel."""
BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,6})?) ?([kmgtpe]?)(i?)b?", re.IGNORECASE)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def format_bytes(size_bytes: int) -> str:
    """Write a size with two decimals in powers of 1024: 1536 is 1.50KiB."""
    value = float(size_bytes)
    for unit in BINARY_UNITS:
        if abs(value) < 1024 or unit == BINARY_UNITS[-1]:
            return f"{size_bytes}B" if unit == "B" else f"{value:.2f}{unit}"
        value /= 1024
    raise AssertionError("the last unit takes every size")


def parse_bytes(text: str) -> int | None:
    """Read a number of bytes, with a unit of 1000 (k, MB, …) or of 1024 (KiB, MiB, …); None for anything else."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    power = " kmgtpe".index(match[2].lower()) if match[2] else 0
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def parse_time(text: str) -> datetime | None:
    """Read a time of the API; None where it stands for "never": the years 1 and 1970."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    moment = datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00"))
    return None if moment.year in (1, 1970) else moment


def wire_time(text: str, otherwise: str = "") -> str:
    """Return a time that a person gave, local where it names no zone, as the API takes it."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise click.UsageError(
            f'"{text}" is no time: give one such as 2030-01-31 or 2030-01-31T18:00{otherwise}'
        ) from None


def future_time(text: str, otherwise: str = "") -> str:
    """Return a time as `wire_time` does; one that is over is refused."""
    wire = wire_time(text, otherwise)
    if datetime.fromisoformat(wire.replace("Z", "+00:00")) <= datetime.now(UTC):
        raise click.UsageError(f'"{text}" is over already')
    return wire


def format_time(text: str) -> str:
    """Write a time of the API in local time to the minute; empty for "never"."""
    moment = parse_time(text)
    if moment is None:
        return ""
    local = moment.astimezone()
    return f"{local:%Y/%m/%d %H:%M} {local.tzname()}"


def yes_or_no(claim: bool) -> str:
    """Write a claim for a table."""
    return "YES" if claim else "NO"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort names with their numbers as numbers: c2 before c10."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
