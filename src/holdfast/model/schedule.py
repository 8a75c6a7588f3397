"""The form of `snapshots.schedule`: aliases and five-field cron expressions, several separated by ", "."""

from __future__ import annotations

import re
from typing import Final

from holdfast.model.errors import BadRequestError

VOLUME_ALIASES: Final = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@annually", "@yearly")
INSTANCE_ALIASES: Final = (*VOLUME_ALIASES, "@startup", "@never")

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS: Final = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FIELDS: Final[tuple[tuple[int, int, dict[str, int]], ...]] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def check_schedule(schedule: str, aliases: tuple[str, ...] = INSTANCE_ALIASES) -> None:
    """Raise `BadRequestError` for what is no schedule; empty is one, and means none."""
    if not schedule:
        return
    for trigger in schedule.lower().split(", "):
        if trigger.strip() not in aliases:
            _check_cron(trigger.strip(), aliases)


def _check_cron(expression: str, aliases: tuple[str, ...]) -> None:
    fields = expression.split(" ")
    if len(fields) != len(_FIELDS):
        raise BadRequestError(
            "Schedule must be of the form: <minute> <hour> <day-of-month> <month> <day-of-week>, or one of "
            f'{" ".join(aliases)}; several are separated by ", ", a comma and a space. "{expression}" is neither'
        )
    for field, (lowest, highest, names) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            _check_range(part, lowest, highest, names)


def _check_range(part: str, lowest: int, highest: int, names: dict[str, int]) -> None:
    span, *steps = part.split("/")
    if len(steps) > 1:
        raise _fault(f"too many slashes: {part}")
    if steps and _number(steps[0], {}, part) == 0:
        raise _fault(f"step of range should be a positive number: {part}")
    if span in ("*", "?"):
        return
    low_text, *high_texts = span.split("-")
    if len(high_texts) > 1:
        raise _fault(f"too many hyphens: {part}")
    low = _number(low_text, names, part)
    high = _number(high_texts[0], names, part) if high_texts else (highest if steps else low)
    if low < lowest:
        raise _fault(f"beginning of range ({low}) below minimum ({lowest}): {part}")
    if high > highest:
        raise _fault(f"end of range ({high}) above maximum ({highest}): {part}")
    if low > high:
        raise _fault(f"beginning of range ({low}) beyond end of range ({high}): {part}")


def _number(text: str, names: dict[str, int], part: str) -> int:
    if text in names:
        return names[text]
    if not _NUMBER.fullmatch(text):
        raise _fault(f'failed to parse "{text}" as a number: {part}')
    return int(text)


def _fault(text: str) -> BadRequestError:
    return BadRequestError(f"Error parsing schedule: {text}")
