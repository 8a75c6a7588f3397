"""Names of snapshots made by a pattern: a small language of our own, no template engine (those have leaked host files).

    text            stands for itself
    %d              a number, one more than the highest in use; at most once
    {{ creation_date }}                         date and time, "20060102-150405"
    {{ creation_date|date:"2006-01-02" }}       the same in a Go layout, either kind of quotes
    {{ project }} {{ instance }} {{ volume }}   the names of what is snapshotted, where it has such a name

A result that is taken and has no %d gets "-0", "-1", ... appended.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.go_layout import format_time
from holdfast.model.names import check_snapshot_name

DEFAULT_PATTERN: Final = "snap%d"
DEFAULT_LAYOUT: Final = "20060102-150405"
LONGEST_PATTERN: Final = 256
"""Characters. A name has at most 255 bytes, so no longer pattern makes sense."""

_EXPRESSION: Final = re.compile(
    r"""\{\{\s*creation_date\s*(?:\|\s*(?:date|time)\s*:\s*(?:"(?P<double>[^"{}]*)"|'(?P<single>[^'{}]*)')\s*)?\}\}"""
)
_NAME: Final = re.compile(r"\{\{\s*(?P<kind>project|instance|volume)\s*\}\}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def check_pattern(pattern: str) -> None:
    """Raise `BadRequestError` for a pattern outside the language. Empty is fine: the default is used."""
    _check_size(pattern)
    if pattern:
        _check_language(pattern)


def next_name(pattern: str, now: datetime, taken: Collection[str], names: Mapping[str, str] | None = None) -> str:
    """Return the next name by the pattern ("" is the default one): valid, and not among those taken.

    `now` is shown as it is: give the server's local time. `names` are those of the project, and the instance or volume.
    """
    pattern = pattern or DEFAULT_PATTERN
    check_pattern(pattern)
    rendered = _NAME.sub(lambda found: _named(found["kind"], names or {}), pattern)
    rendered = _EXPRESSION.sub(lambda found: _date(found, now), rendered)
    if "%d" in rendered:
        name = _numbered(rendered, taken)
    elif rendered in taken:
        name = _numbered(f"{rendered}-%d", taken)
    else:
        name = rendered
    return check_snapshot_name(name)


def _check_size(pattern: str) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise BadRequestError(f"Snapshot pattern may have {LONGEST_PATTERN} characters at most")


def _check_language(pattern: str) -> None:
    rest = _NAME.sub("", _EXPRESSION.sub("", pattern))
    for mark in ("{{", "}}", "{%", "%}", "{#"):
        if mark in rest:
            raise BadRequestError(
                f'Invalid snapshot pattern "{pattern}": Only %d, {{{{ creation_date }}}}, '
                '{{ creation_date|date:"2006-01-02_15-04-05" }}, {{ project }}, {{ instance }} and {{ volume }} '
                "can be used"
            )
    if pattern.count("%d") > 1:
        raise BadRequestError("Snapshot pattern may contain '%d' only once")


def _named(kind: str, names: Mapping[str, str]) -> str:
    if kind not in names:
        raise BadRequestError(f"Invalid snapshot pattern: {{{{ {kind} }}}} has no meaning here")
    return names[kind]


def _date(found: re.Match[str], now: datetime) -> str:
    layout = found["double"] if found["double"] is not None else found["single"]
    return format_time(now, DEFAULT_LAYOUT if layout is None else layout)


def _numbered(pattern: str, taken: Collection[str]) -> str:
    """Fill in one more than the highest number among the names that begin like the pattern."""
    prefix, _, suffix = pattern.partition("%d")
    numbers = [-1]
    for name in taken:
        found = _NUMBER.match(name, len(prefix)) if name.startswith(prefix) else None
        if found and name.startswith(suffix, found.end()):
            numbers.append(int(found[0]))
    return f"{prefix}{max(numbers) + 1}{suffix}"
