"""Retention: each rule by itself, all together, and any history against a slow, obvious reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.errors import BadRequestError
from holdfast.model.retention import Keep, Kept, Verdict, parse_keep, plan

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def history(step: timedelta, count: int, schedule: str = "default") -> list[Kept]:
    """Snapshots at equal distances, the newest one step ago and called "s0"."""
    return [Kept(name=f"s{n}", created_at=NOW - (n + 1) * step, schedule=schedule) for n in range(count)]


def keep(text: str) -> Keep:
    found = parse_keep(text)
    assert found is not None
    return found


def staying(snapshots: Sequence[Kept], text: str) -> list[str]:
    return [each.name for each in plan(snapshots, {"default": keep(text)}, (), NOW, UTC) if not each.is_removed]


@pytest.mark.parametrize(
    ("step", "text", "names"),
    [
        (HOUR, "last=3", ["s0", "s1", "s2"]),
        (HOUR, "hourly=2", ["s0", "s1"]),
        (timedelta(minutes=20), "hourly=2", ["s0", "s3"]),
        (HOUR, "daily=3", ["s0", "s12", "s36"]),
        (DAY, "weekly=2", ["s0", "s2"]),  # a Tuesday, then the Sunday before
        (DAY, "monthly=2", ["s0", "s24"]),  # 24 November, 31 October
        (DAY, "yearly=1", ["s0"]),
        (HOUR, "last=1,daily=2", ["s0", "s12"]),
        (DAY, "last=2,monthly=1", ["s0", "s1"]),
        (DAY, "daily=0,last=1", ["s0"]),
    ],
)
def test_rules(step: timedelta, text: str, names: list[str]) -> None:
    assert staying(history(step, 60), text) == names


def test_days_are_those_of_the_zone() -> None:
    late = [Kept(name="a", created_at=datetime(2026, 11, 24, 23, 30, tzinfo=UTC), schedule="default")]
    early = [Kept(name="b", created_at=datetime(2026, 11, 24, 22, 30, tzinfo=UTC), schedule="default")]
    for zone, both in ((UTC, False), (ZoneInfo("Europe/Berlin"), True)):
        verdicts = plan(late + early, {"default": keep("daily=2")}, (), NOW, zone)
        assert [each.is_removed for each in verdicts] == [False, not both]


def test_what_a_wrong_clock_dated_later_than_now_takes_no_place() -> None:
    """Else each new snapshot would go at once, until those times come."""
    ahead = [Kept(name=f"ahead{n}", created_at=NOW + n * DAY, schedule="default") for n in (1, 2, 3)]
    for rule, names in (("last=2", ["s0", "s1"]), ("daily=2", ["s0", "s12"])):
        assert staying([*ahead, *history(HOUR, 20)], rule) == ["ahead1", "ahead2", "ahead3", *names]
    rules = {"default": keep("last=2")}
    assert one(plan(ahead[:1], rules, (), NOW, UTC)) == (False, "dated later than now, so not counted")
    assert plan(ahead, rules, (), NOW + 4 * DAY, UTC)[0].is_removed, "when its time has come it counts as others do"
    over = Kept(name="over", created_at=NOW + HOUR, expires_at=NOW, schedule="default")
    assert one(plan([over], rules, (), NOW, UTC))[0], "its expiry goes first"


def one(verdicts: list[Verdict]) -> tuple[bool, str]:
    assert len(verdicts) == 1
    return verdicts[0].is_removed, verdicts[0].reason


def test_reasons() -> None:
    past, future = NOW - DAY, NOW + DAY
    rules = {"default": keep("last=1")}
    by_hand = Kept(name="a", created_at=NOW - 9 * DAY)
    assert one(plan([by_hand], rules, (), NOW, UTC)) == (False, "no expiry")
    assert one(plan([Kept(name="a", created_at=past, expires_at=past)], rules, (), NOW, UTC)) == (True, "expired")
    held = Kept(name="a", created_at=past, expires_at=past, is_held=True)
    assert one(plan([held], rules, (), NOW, UTC)) == (False, "held until it is released")
    waiting = plan([Kept(name="a", created_at=past, expires_at=future)], {}, (), NOW, UTC)
    assert (waiting[0].goes_at, one(waiting)) == (future, (False, "until its expiry"))
    scheduled = history(HOUR, 2)
    assert [each.reason for each in plan(scheduled, rules, (), NOW, UTC)] == ["last 1 of 1", "no rule to keep holds it"]
    assert [each.reason for each in plan(scheduled, {}, (), NOW, UTC)] == ["no expiry", "no expiry"]


def test_what_is_set_to_expire_and_to_be_kept_goes_when_both_have_let_go() -> None:
    kept = Kept(name="a", created_at=NOW - HOUR, expires_at=NOW - HOUR, schedule="default")
    fresh = Kept(name="b", created_at=NOW - 2 * HOUR, expires_at=NOW + HOUR, schedule="default")
    gone = Kept(name="c", created_at=NOW - 3 * HOUR, expires_at=NOW - HOUR, schedule="default")
    assert staying([kept, fresh, gone], "last=1") == ["a", "b"]


def test_rules_of_one_schedule_leave_those_of_another_alone() -> None:
    mixed = [
        *history(HOUR, 3, "default"),
        *(Kept(name=f"n{n}", created_at=NOW - n * DAY, schedule="nightly") for n in (1, 2)),
    ]
    verdicts = plan(mixed, {"default": keep("last=1"), "nightly": keep("last=2")}, (), NOW, UTC)
    assert [each.name for each in verdicts if not each.is_removed] == ["s0", "n1", "n2"]


def test_threat_newest_good_snapshot_of_a_failing_schedule_stays() -> None:
    """Weeks of failures must not end with no snapshot at all (lxd-pkg-snap#61)."""
    expired = [
        Kept(name=f"s{n}", created_at=NOW - (30 + n) * DAY, expires_at=NOW - DAY, schedule="default") for n in range(3)
    ]
    assert [each.is_removed for each in plan(expired, {}, (), NOW, UTC)] == [True, True, True]
    assert [each.is_removed for each in plan(expired, {}, ("default",), NOW, UTC)] == [False, True, True]
    by_hand = Kept(name="hand", created_at=NOW - 2 * DAY, expires_at=NOW - DAY)
    verdicts = plan([*expired, by_hand], {}, ("default",), NOW, UTC)
    assert [each.name for each in verdicts if not each.is_removed] == ["s0", "hand"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("last", 'Invalid rule "last"'),
        ("minutely=3", 'Invalid rule "minutely=3"'),
        ("last=-1", 'Invalid rule "last=-1"'),
        ("last=3,,daily=2", 'Invalid rule ""'),
        ("last=3,last=4", 'Rule "last" stands twice'),
        ("last=0", "would keep nothing"),
        ("last=999999", "Invalid rule"),
        ("last=3;daily=2", "Invalid rule"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        parse_keep(text)


def test_nothing_means_no_rule() -> None:
    assert parse_keep("") is None
    assert parse_keep(" last=3, daily=2 ") == parse_keep("daily=2,last=3")


FORMATS = {"hourly": "%Y-%m-%d %H", "daily": "%Y-%m-%d", "weekly": "%G-%V", "monthly": "%Y-%m", "yearly": "%Y"}


def slow_reference(snapshots: Sequence[Kept], keep: Keep, now: datetime) -> set[str]:
    """Return the names that stay: for each rule the newest of each of the newest periods that have any."""
    stay = {each.name for each in snapshots if each.is_held}
    stay |= {each.name for each in snapshots if each.expires_at is not None and each.expires_at > now}
    stay |= {each.name for each in snapshots if each.expires_at is None and not each.schedule}
    made = sorted((each for each in snapshots if each.schedule), key=lambda each: (each.created_at, each.name))
    for rule, count in keep.counts:
        if rule == "last":
            stay |= {each.name for each in made[len(made) - min(count, len(made)) :]}
            continue
        periods = sorted({each.created_at.strftime(FORMATS[rule]) for each in made}, reverse=True)
        for period in periods[:count]:
            stay.add([each.name for each in made if each.created_at.strftime(FORMATS[rule]) == period][-1])
    return stay


MOMENTS = st.integers(0, 900 * 24 * 4).map(lambda quarters: NOW - quarters * timedelta(minutes=15))
SNAPSHOTS = st.lists(
    st.builds(
        Kept,
        name=st.uuids().map(str),
        created_at=MOMENTS,
        expires_at=st.one_of(st.none(), st.integers(-50, 50).map(lambda days: NOW + days * DAY)),
        is_held=st.sampled_from([False, False, False, True]),
        schedule=st.sampled_from(["default", "default", "default", ""]),
    ),
    max_size=60,
)
KEEPS = st.dictionaries(st.sampled_from(["last", *FORMATS]), st.integers(1, 9), min_size=1).map(
    lambda counts: keep(",".join(f"{rule}={count}" for rule, count in counts.items()))
)


@settings(max_examples=300, deadline=None)
@given(snapshots=SNAPSHOTS, rules=KEEPS)
def test_any_history_as_the_slow_reference_decides(snapshots: list[Kept], rules: Keep) -> None:
    verdicts = plan(snapshots, {"default": rules}, (), NOW, UTC)
    assert [each.name for each in verdicts] == [each.name for each in snapshots]
    assert {each.name for each in verdicts if not each.is_removed} == slow_reference(snapshots, rules, NOW)


@settings(max_examples=100, deadline=None)
@given(snapshots=SNAPSHOTS, rules=KEEPS, more=st.integers(1, 5))
def test_more_rules_never_remove_more(snapshots: list[Kept], rules: Keep, more: int) -> None:
    wider = Keep(tuple((rule, count + more) for rule, count in rules.counts))
    stay = [
        {each.name for each in plan(snapshots, {"default": each_rules}, (), NOW, UTC) if not each.is_removed}
        for each_rules in (rules, wider)
    ]
    assert all(fewer <= others for fewer, others in pairwise(stay))
