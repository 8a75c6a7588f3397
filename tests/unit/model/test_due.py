"""When schedules are due: a year of every rule, both changes of the clock in three zones, against a slow reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.due import is_never, latest_due, next_due, wants_startup
from holdfast.model.schedule import VOLUME_ALIASES, check_schedule

BERLIN, NEW_YORK, LORD_HOWE = map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"))
"""One hour in spring and autumn; the same on other days; half an hour, in the other half of the year."""

MINUTE = timedelta(minutes=1)


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type,misc]


def moments(rule: str, start: datetime, end: datetime, zone: tzinfo, identity: str = "one") -> list[datetime]:
    """Walk by `next_due` through (start, end]."""
    found: list[datetime] = []
    at = next_due(rule, identity, start, zone)
    while at is not None and at <= end:
        found.append(at)
        at = next_due(rule, identity, at, zone)
    return found


YEAR = (utc(2026, 12, 31, 23, 59), utc(2027, 12, 31, 23, 59))


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("@hourly", 365 * 24),
        ("@daily", 365),
        ("@midnight", 365),
        ("@weekly", 52),
        ("@monthly", 12),
        ("@annually", 1),
        ("@yearly", 1),
        ("@never", 0),
        ("@startup", 0),
        ("0 6 * * *, 30 18 * * 1-5", 365 + 261),
        ("*/15 * * * *", 365 * 96),
        ("0 0 31 * *", 7),
        ("0 0 29 2 *", 0),
        ("0 0 31 2 *", 0),
        ("0 0 1 jan,jul *", 2),
        ("0 0 13 * fri", 12 + 53 - 1),
        ("0 12 ? * SUN", 52),
        ("0 0 */10 * *", 3 * 12 + 7),
        ("@daily, @hourly", 365 * 24),
    ],
)
def test_a_year(rule: str, count: int) -> None:
    check_schedule(rule)
    found = moments(rule, *YEAR, UTC)
    assert len(found) == count
    assert found == sorted(set(found))


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE], ids=str)
@pytest.mark.parametrize("rule", ["30 2 * * *", "0 3 * * *", "45 1 * * *", "* 2 * * *", "15 2 * * *"])
def test_every_day_has_its_run_and_none_has_two(rule: str, zone: tzinfo) -> None:
    """Whatever the clock does: the time that is skipped is due right after the gap, the one that comes twice once."""
    days = [moment.astimezone(zone).date() for moment in moments(rule, *YEAR, zone)]
    if rule != "* 2 * * *":
        assert len(days) == len(set(days))
    assert len(set(days)) in (365, 366)  # the year is UTC's
    assert all((after - before).days == 1 for before, after in pairwise(sorted(set(days))))


@pytest.mark.parametrize(
    ("zone", "rule", "before", "wanted"),
    [
        (BERLIN, "30 2 * * *", utc(2027, 3, 28, 0), utc(2027, 3, 28, 1)),  # 02:30 isn't there: 03:00 summer time
        (BERLIN, "30 2 * * *", utc(2027, 10, 30, 12), utc(2027, 10, 31, 0, 30)),  # the first 02:30
        (BERLIN, "30 2 * * *", utc(2027, 10, 31, 0, 30), utc(2027, 11, 1, 1, 30)),  # not the second
        (NEW_YORK, "30 2 * * *", utc(2027, 3, 14, 6), utc(2027, 3, 14, 7)),
        (NEW_YORK, "30 1 * * *", utc(2027, 11, 7, 5, 30), utc(2027, 11, 8, 6, 30)),
        (LORD_HOWE, "15 2 * * *", utc(2027, 10, 2, 15), utc(2027, 10, 2, 15, 30)),  # 02:00 to 02:30 is skipped
        (LORD_HOWE, "45 1 * * *", utc(2027, 4, 3, 14, 45), utc(2027, 4, 4, 15, 15)),  # 01:30 to 02:00 comes twice
    ],
)
def test_changes_of_the_clock(zone: tzinfo, rule: str, before: datetime, wanted: datetime) -> None:
    assert next_due(rule, "one", before, zone) == wanted


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, UTC], ids=str)
def test_rules_of_every_hour_go_by_elapsed_time(zone: tzinfo) -> None:
    found = moments("7 * * * *", *YEAR, zone)
    steps = {after - before for before, after in pairwise(found)}
    assert steps <= {timedelta(minutes=30), timedelta(hours=1), timedelta(minutes=90)}
    if zone is not LORD_HOWE:
        assert steps == {timedelta(hours=1)}


def test_leap_day_and_the_end_of_months() -> None:
    assert next_due("0 0 29 2 *", "one", utc(2026, 11, 25), UTC) == utc(2028, 2, 29)
    assert latest_due("0 0 29 2 *", "one", utc(2020, 1, 1), utc(2027, 1, 1), UTC) == utc(2024, 2, 29)
    assert [each.month for each in moments("0 0 31 * *", *YEAR, UTC)] == [1, 3, 5, 7, 8, 10, 12]


def test_both_day_fields_restricted_means_either() -> None:
    """As LXD has it: also where a field is a star with a step, which classic cron reads otherwise."""
    assert (
        len(moments("0 0 1 * 1", utc(2027, 1, 31), utc(2027, 2, 28, 23), UTC)) == 4
    )  # Mondays, of which one is the 1st
    days = [each.day for each in moments("0 0 */2 * 1", utc(2027, 1, 31), utc(2027, 2, 28, 23), UTC)]
    assert days == sorted({*range(1, 29, 2), 1, 8, 15, 22})


def test_nothing_is_due_before_and_something_after() -> None:
    assert latest_due("0 6 * * *", "one", utc(2027, 1, 1, 6), utc(2027, 1, 2, 5, 59, 59), UTC) is None
    assert latest_due("0 6 * * *", "one", utc(2027, 1, 1, 6), utc(2027, 1, 2, 6), UTC) == utc(2027, 1, 2, 6)


@pytest.mark.parametrize("pause", [timedelta(hours=5), timedelta(days=3), timedelta(days=100), timedelta(days=2000)])
def test_after_a_pause_the_latest_one_is_due(pause: timedelta) -> None:
    start = utc(2027, 5, 5, 5, 5, 30)
    for rule in ("* * * * *", "@hourly", "@daily", "@weekly", "@monthly"):
        found = latest_due(rule, "one", start, start + pause, UTC)
        following = next_due(rule, "one", start, UTC)
        assert following is not None
        if following > start + pause:
            assert found is None
        else:
            assert found is not None
            later = next_due(rule, "one", found, UTC)
            assert found <= start + pause < (later or utc(9999, 1, 1))


def test_a_step_backwards_is_due_never_again() -> None:
    assert latest_due("* * * * *", "one", utc(2027, 5, 5, 6), utc(2027, 5, 5, 5), UTC) is None


def test_aliases_are_spread_and_stable() -> None:
    at = utc(2027, 1, 1)
    times = {identity: next_due("@daily", identity, at, UTC) for identity in map(str, range(300))}
    assert times == {identity: next_due("@daily", identity, at, UTC) for identity in map(str, range(300))}
    assert len(set(times.values())) > 200
    midnight = {next_due("@midnight", identity, at, UTC) for identity in map(str, range(300))}
    assert all(each is not None and each <= at + timedelta(hours=24) and each.hour == 0 for each in midnight)


def test_words_that_are_no_times() -> None:
    assert wants_startup("@daily, @startup")
    assert not wants_startup("@daily")
    assert is_never("@never")
    assert is_never("0 0 31 4 *") and is_never("0 0 30 feb *, @never")
    assert not is_never("0 0 29 2 *") and not is_never("0 0 31 4 *, 0 0 1 * *")
    assert not is_never("0 0 31 4 mon") and not is_never("@startup")
    assert not is_never("@never, @daily")
    assert next_due("@never", "one", utc(2027, 1, 1), UTC) is None


def matches(rule: str, moment: datetime) -> bool:
    """Read a rule the slow way: is this minute one of it (in UTC)?"""

    def field(text: str, value: int, lowest: int, highest: int) -> bool:
        for part in text.split(","):
            span, _, step = part.partition("/")
            low, _, high = ("-".join(map(str, (lowest, highest))) if span == "*" else span).partition("-")
            end = int(high) if high else (highest if step else int(low))
            if value in range(int(low), end + 1, int(step or 1)):
                return True
        return False

    minute, hour, day, month, weekday = rule.split(" ")
    by_day, by_weekday = field(day, moment.day, 1, 31), field(weekday, moment.isoweekday() % 7, 0, 6)
    either = day != "*" and weekday != "*"
    return (
        field(minute, moment.minute, 0, 59)
        and field(hour, moment.hour, 0, 23)
        and field(month, moment.month, 1, 12)
        and (by_day or by_weekday if either else by_day and by_weekday)
    )


def _field(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    ranges = st.tuples(number, number).map(sorted).map(lambda pair: f"{pair[0]}-{pair[1]}")
    steps = st.tuples(st.one_of(st.just("*"), ranges), st.integers(2, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    one = st.one_of(number.map(str), ranges, steps)
    return st.one_of(st.just("*"), st.lists(one, min_size=1, max_size=3).map(",".join))


RULES = st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), st.just("*"), _field(0, 6)).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(rule=RULES, hours=st.integers(1, 60), start=st.integers(0, 60 * 24 * 60))
def test_any_rule_as_the_slow_reference_reads_it(rule: str, hours: int, start: int) -> None:
    check_schedule(rule)
    after = utc(2027, 1, 1) + start * MINUTE
    until = after + timedelta(hours=hours)
    wanted = [after + n * MINUTE for n in range(1, hours * 60 + 1) if matches(rule, after + n * MINUTE)]
    assert latest_due(rule, "one", after, until, UTC) == (wanted[-1] if wanted else None)
    assert moments(rule, after, until, UTC) == wanted


@given(alias=st.sampled_from(VOLUME_ALIASES), identity=st.text(max_size=40))
def test_every_alias_is_due_within_its_time(alias: str, identity: str) -> None:
    longest = {"@hourly": 1, "@daily": 24, "@midnight": 24, "@weekly": 168, "@monthly": 745}.get(alias, 366 * 24)
    at = utc(2027, 6, 6, 6, 6)
    found = next_due(alias, identity, at, UTC)
    assert found is not None
    assert at < found <= at + timedelta(hours=longest)
