"""Go's reference layouts ("2006-01-02_15-04-05"): how LXD's users write dates in name patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

_ZONES: Final = ("07:00:00", "070000", "07:00", "0700", "07")

_TOKEN: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST"
    r"|2006|__2|_2(?!006)|002|0[1-6]|15|[1-5]|PM|pm"
    r"|[-Z](?:07:00:00|070000|07:00|0700|07)"
    r"|[.,](?:0+|9+)(?![0-9])"
)

_RULES: Final[dict[str, Callable[[datetime], str]]] = {
    "2006": lambda at: f"{at.year:04}",
    "06": lambda at: f"{at.year % 100:02}",
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "01": lambda at: f"{at.month:02}",
    "1": lambda at: str(at.month),
    "Monday": lambda at: _DAYS[at.weekday()],
    "Mon": lambda at: _DAYS[at.weekday()][:3],
    "02": lambda at: f"{at.day:02}",
    "_2": lambda at: f"{at.day:2}",
    "2": lambda at: str(at.day),
    "002": lambda at: f"{at.timetuple().tm_yday:03}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3}",
    "15": lambda at: f"{at.hour:02}",
    "03": lambda at: f"{at.hour % 12 or 12:02}",
    "3": lambda at: str(at.hour % 12 or 12),
    "04": lambda at: f"{at.minute:02}",
    "4": lambda at: str(at.minute),
    "05": lambda at: f"{at.second:02}",
    "5": lambda at: str(at.second),
    "PM": lambda at: "AM" if at.hour < 12 else "PM",
    "pm": lambda at: "am" if at.hour < 12 else "pm",
    "MST": lambda at: at.tzname() or "UTC",
}


def format_time(moment: datetime, layout: str) -> str:
    """Return the moment as the layout shows Monday January 2 15:04:05 2006; everything else in it stays as it is."""
    return _TOKEN.sub(lambda found: _token(moment, found[0]), layout)


def _token(moment: datetime, token: str) -> str:
    rule = _RULES.get(token)
    if rule is not None:
        return rule(moment)
    if token[0] in ".,":
        return _fraction(moment, token)
    offset = moment.utcoffset() or timedelta()
    return "Z" if token[0] == "Z" and not offset else _offset(offset, token[1:])


def _fraction(moment: datetime, token: str) -> str:
    digits = f"{moment.microsecond:06}000"[: len(token) - 1].ljust(len(token) - 1, "0")
    if token[1] == "9":
        digits = digits.rstrip("0")
    return token[0] + digits if digits else ""


def _offset(offset: timedelta, form: str) -> str:
    assert form in _ZONES
    sign = "-" if offset < timedelta() else "+"
    minutes, seconds = divmod(int(abs(offset).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours:02}", f"{minutes:02}", f"{seconds:02}"]
    count = len(form.replace(":", "")) // 2
    return sign + (":" if ":" in form else "").join(parts[:count])
