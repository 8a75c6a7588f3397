"""Times as Go prints and reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.timestamps import EPOCH, ZERO, from_wire, is_zero, to_wire


def test_never_and_unused() -> None:
    assert to_wire(None) == ZERO == "0001-01-01T00:00:00Z"
    assert to_wire(None, EPOCH) == "1970-01-01T00:00:00Z"
    assert from_wire(ZERO) is None
    assert from_wire("") is None
    assert from_wire(None) is None
    assert is_zero(ZERO)
    assert not is_zero(None)
    assert not is_zero("2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 3, 42, 49, 331000, UTC), "2026-11-23T03:42:49.331Z"),
        (datetime(2026, 11, 23, 3, 42, 0, 0, UTC), "2026-11-23T03:42:00Z"),
        (datetime(2026, 11, 23, 3, 42, 10, 100, UTC), "2026-11-23T03:42:10.0001Z"),
        (datetime(2026, 11, 23, 1, 0, 0, 0, timezone(timedelta(hours=2))), "2026-11-22T23:00:00Z"),
    ],
)
def test_fractions_have_no_trailing_zeros(moment: datetime, text: str) -> None:
    assert to_wire(moment) == text


def test_nanoseconds_and_offsets_are_read() -> None:
    found = from_wire("2026-11-23T03:42:49.331049361+01:30")
    assert found == datetime(2026, 11, 23, 2, 12, 49, 331049, UTC)


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "x" * 40])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        from_wire(text)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)))
def test_times_survive_the_wire(moment: datetime) -> None:
    assert from_wire(to_wire(moment)) == moment
