"""When a snapshot's time is over: LXD's expiry expressions, "1M 2H 3d 4w 5m 6y"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from holdfast.model.errors import BadRequestError

_TERM: Final = re.compile(r"([0-9]{1,9})([SMHdwmy])", re.ASCII)


def check_expiry(expression: str) -> None:
    """Raise `BadRequestError` for what is no expiry expression; empty is one, and means never."""
    _parse(expression)


def expiry_time(expression: str, reference: datetime) -> datetime | None:
    """Return the reference plus the expression; None when it is empty: never.

    Years, months, weeks and days are added on the calendar, and a day that the month doesn't have runs over into the
    next (January 31 and one month is March 3, or 2 in a leap year), then hours, minutes and seconds.
    """
    amounts = _parse(expression)
    if amounts is None:
        return None
    try:
        moved = add_date(reference, amounts["y"], amounts["m"], amounts["w"] * 7 + amounts["d"])
        return moved + timedelta(hours=amounts["H"], minutes=amounts["M"], seconds=amounts["S"])
    except (OverflowError, ValueError):
        raise BadRequestError("Invalid expiry expression: later than the year 9999") from None


def add_date(moment: datetime, years: int, months: int, days: int) -> datetime:
    """Add on the calendar; a day beyond the end of the month runs over into the next one."""
    month_count = moment.year * 12 + moment.month - 1 + years * 12 + months
    first = moment.replace(year=month_count // 12, month=month_count % 12 + 1, day=1)
    return first + timedelta(days=moment.day - 1 + days)


def _parse(expression: str) -> dict[str, int] | None:
    expression = expression.strip()
    if not expression:
        return None
    amounts = dict.fromkeys("SMHdwmy", 0)
    for term in expression.split(" "):
        found = _TERM.fullmatch(term)
        if found is None or amounts[found[2]]:
            raise BadRequestError(
                f'Invalid expiry expression "{expression}": give numbers with units of S, M, H, d, w, m, y, each unit '
                "once, with one space between: 1w 2d"
            )
        amounts[found[2]] = int(found[1])
    return amounts
