"""Sizes and shares as users write them: "10GiB", "512MB", "50%"."""

from __future__ import annotations

import re
from typing import Final

from holdfast.model.errors import BadRequestError

_FACTORS: Final[dict[str, int]] = {
    "": 1,
    "B": 1,
    " bytes": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate(("K", "M", "G", "T", "P", "E"), 1)},
}
_SIZE: Final = re.compile(r"([0-9]{1,19})( bytes|[A-Za-z]*)", re.ASCII)
_LARGEST: Final = 2**63 - 1


def parse_bytes(text: str) -> int:
    """Return the bytes of an integer with an optional suffix; "" is 0."""
    if not text:
        return 0
    found = _SIZE.fullmatch(text)
    if found is None or found[2] not in _FACTORS:
        raise BadRequestError(
            f"Invalid value: {text} (a size is a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB)"
        )
    size_bytes = int(found[1]) * _FACTORS[found[2]]
    if size_bytes > _LARGEST:
        raise BadRequestError(f"Invalid value: {text} (larger than any storage)")
    return size_bytes


def parse_percent(text: str) -> int | None:
    """Return 0 to 100 for "n%", None for a text that is no percentage."""
    if not re.fullmatch(r"[0-9]{1,3}%", text, re.ASCII) or int(text[:-1]) > 100:
        return None
    return int(text[:-1])


def parse_bytes_or_percent(text: str, whole_bytes: int) -> int:
    """Return the bytes of a size, or of a share of the whole."""
    percent = parse_percent(text)
    return parse_bytes(text) if percent is None else whole_bytes * percent // 100
