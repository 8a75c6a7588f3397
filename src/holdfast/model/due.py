"""When a schedule is due: cron lines and aliases, in a time zone, by what happened since the last look.

Daylight saving: a time that the clock skips is due right after the gap, one that it shows twice is due once; rules of
every hour or minute go by elapsed time. So no day has none, and none has two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

_SPANS: Final = (timedelta(hours=2), timedelta(days=2), timedelta(days=60), timedelta(days=9 * 366))
"""How far back is looked, step by step: a rule of every minute has no more than 120 moments in the first."""

_FIELDS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERS: Final = {
    **{name: str(number) for number, name in enumerate(_MONTHS, 1)},
    **{name: str(number) for number, name in enumerate(_DAYS)},
}
_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_STARTUP: Final = "@startup"
_NEVER: Final = "@never"


def latest_due(rule: str, identity: str, after: datetime, until: datetime, zone: tzinfo) -> datetime | None:
    """Return the latest moment in (after, until] that a checked rule wants; None: nothing was due. Aware, UTC.

    `identity` spreads the aliases: many instances with "@daily" are not due in the same minute.
    """
    moments = [_latest(line, after, until, zone) for line in _cron_lines(rule, identity)]
    return max((moment for moment in moments if moment is not None), default=None)


def next_due(rule: str, identity: str, after: datetime, zone: tzinfo) -> datetime | None:
    """Return the first moment after the given one; None for a rule that is never due by time."""
    moments = [next(_moments(line, after, zone), None) for line in _cron_lines(rule, identity)]
    return min((moment for moment in moments if moment is not None), default=None)


def wants_startup(rule: str) -> bool:
    """Tell whether the rule wants a snapshot at each start of the instance."""
    return _STARTUP in _triggers(rule)


def is_never(rule: str) -> bool:
    """Tell whether the rule is never due: by a time that doesn't exist, or because it says so."""
    return all(trigger == _NEVER or _has_no_date(trigger) for trigger in _triggers(rule))


@lru_cache(maxsize=1024)
def _has_no_date(trigger: str) -> bool:
    """Tell whether a cron line wants a day that none of its months has, such as the 31st of April."""
    if trigger.startswith("@"):
        return False
    return next(_moments(_plain_cron(trigger), _ANY_TIME, UTC), None) is None


def _triggers(rule: str) -> list[str]:
    return [trigger.strip() for trigger in rule.lower().split(", ") if trigger.strip()]


def _latest(line: str, after: datetime, until: datetime, zone: tzinfo) -> datetime | None:
    for span in _SPANS:
        start = max(after, until - span)
        found = None
        for moment in _moments(line, start, zone):
            if moment > until:
                break
            found = moment
        if found is not None or start == after:
            return found
    return None


def _moments(line: str, after: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Give the moments of one cron line after the given one; none for a date that doesn't exist."""
    try:
        found = CronSim(line, after.astimezone(zone))
        for moment in found:
            if (absolute := moment.astimezone(UTC)) > after:
                yield absolute
    except (CronSimError, OverflowError, ValueError):
        return


def _cron_lines(rule: str, identity: str) -> list[str]:
    minute, hour = _spread(identity)
    aliases = {
        "@hourly": f"{minute} * * * *",
        "@daily": f"{minute} {hour} * * *",
        "@midnight": f"{minute} 0 * * *",
        "@weekly": f"{minute} {hour} * * 0",
        "@monthly": f"{minute} {hour} 1 * *",
        "@annually": f"{minute} {hour} 1 1 *",
        "@yearly": f"{minute} {hour} 1 1 *",
    }
    triggers = [trigger for trigger in _triggers(rule) if trigger not in (_STARTUP, _NEVER)]
    return [aliases[trigger] if trigger in aliases else _plain_cron(trigger) for trigger in triggers]


def _spread(identity: str) -> tuple[int, int]:
    number = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")
    return number % 60, number // 60 % 24


@lru_cache(maxsize=1024)
def _plain_cron(line: str) -> str:
    """Spell every restricted field out as a list of numbers, so that one meaning is left.

    LXD takes a day if either day field matches, once both are restricted, and "*/2" restricts; classic cron wants both
    to match where one begins with a star.
    """
    fields = [_plain_field(field, *_FIELDS[place]) for place, field in enumerate(line.split(" "))]
    if fields[0] == "*" and fields[1] != "*":
        fields[0] = ",".join(
            map(str, range(60))
        )  # times of the day, not "every minute": those that a clock skips count
    return " ".join(fields)


def _plain_field(field: str, lowest: int, highest: int) -> str:
    numbers: set[int] = set()
    for part in field.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text or 1)
        if span in ("*", "?"):
            if step == 1:
                return "*"
            low, high = lowest, highest
        else:
            low_text, dash, high_text = span.partition("-")
            low = _number(low_text)
            high = _number(high_text) if dash else (highest if step_text else low)
        numbers.update(range(low, high + 1, step))
    return ",".join(map(str, sorted(numbers)))


def _number(text: str) -> int:
    return int(_NUMBERS.get(text, text))
