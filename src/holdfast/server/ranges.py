"""Which bytes of a file a request asks for (RFC 9110, 14): one range, and only of the file that the client knows."""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.IGNORECASE)


def held_range(wanted: str, condition: str, size_bytes: int, entity_tag: str) -> str:
    """Return the `Range` to answer, "" for the whole file.

    `condition` is If-Range: anything but the file's own tag (quoted) means another file, which is sent whole. So is
    what can't be read as one range. A range that begins after the end is returned as it is, for a 416.
    """
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or not (match[1] or match[2]) or (condition and condition.strip() != entity_tag):
        return ""
    first, last = match[1], match[2]
    if not first:
        return f"bytes=-{int(last)}" if int(last) else f"bytes={size_bytes}-"
    if last and int(last) < int(first):
        return ""
    return f"bytes={int(first)}-{int(last) if last else ''}"
