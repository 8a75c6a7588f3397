"""Expiry expressions, against the reference table and against an independent walk over the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import BadRequestError
from holdfast.model.expiry import add_date, check_expiry, expiry_time

REFERENCE = datetime(2026, 11, 23, 4, 7, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1M 2H 3d 4w 5m 6y", datetime(2033, 5, 24, 6, 8, 41, tzinfo=UTC)),
        ("0d", REFERENCE),
        ("30S", REFERENCE + timedelta(seconds=30)),
        (" 1d ", REFERENCE + timedelta(days=1)),
        ("0d 1d", REFERENCE + timedelta(days=1)),
        ("1m", datetime(2026, 12, 23, 4, 7, 41, tzinfo=UTC)),
        ("2w", REFERENCE + timedelta(days=14)),
    ],
)
def test_meaning(expression: str, expected: datetime) -> None:
    assert expiry_time(expression, REFERENCE) == expected


@pytest.mark.parametrize("expression", ["", "   "])
def test_empty_means_never(expression: str) -> None:
    assert expiry_time(expression, REFERENCE) is None


@pytest.mark.parametrize(
    "expression", ["3x", "1d 1d", "1d  2H", "1d,2H", "-1d", "+1d", "d", "1", "1D", "1 d", "1d 2H 1d", "99999999999d"]
)
def test_what_is_none(expression: str) -> None:
    with pytest.raises(BadRequestError, match=r"^Invalid expiry expression"):
        check_expiry(expression)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [((2026, 1, 31), 1, (2026, 3, 3)), ((2028, 1, 31), 1, (2028, 3, 2)), ((2026, 10, 31), 1, (2026, 12, 1))],
)
def test_month_runs_over(start: tuple[int, int, int], months: int, end: tuple[int, int, int]) -> None:
    assert add_date(datetime(*start, tzinfo=UTC), 0, months, 0) == datetime(*end, tzinfo=UTC)


def test_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(BadRequestError, match="9999"):
        expiry_time("999999999y", REFERENCE)


@given(
    start=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
    months=st.integers(0, 600),
    days=st.integers(0, 1000),
)
def test_walk_over_the_calendar_agrees(start: datetime, months: int, days: int) -> None:
    moved = start.replace(day=1)
    for _ in range(months):
        moved = (moved + timedelta(days=31)).replace(day=1)
    assert add_date(start, 0, months, days) == moved + timedelta(days=start.day - 1) + timedelta(days=days)
    assert add_date(start, months // 12, months % 12, days) == add_date(start, 0, months, days)


@given(st.text(alphabet="0123456789SMHdwmy ", max_size=12))
def test_any_text_is_taken_or_refused(expression: str) -> None:
    try:
        end = expiry_time(expression, REFERENCE)
    except BadRequestError:
        return
    assert end is None or end >= REFERENCE
