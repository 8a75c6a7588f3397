"""Which snapshots stay and which go: expiry, `snapshots.keep`, holds and failing schedules decided together.

A snapshot stays as long as anything wants it: where both an expiry and a rule to keep are set, it goes when both have
let go of it. Rules to keep count what schedules made; what a person made goes by its expiry alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from holdfast.model.errors import BadRequestError

_TERM: Final = re.compile(r"([a-z]+)=([0-9]{1,5})", re.ASCII)

_PERIODS: Final[Mapping[str, Callable[[datetime], object]]] = {
    "hourly": lambda local: (local.date(), local.hour, local.utcoffset()),
    "daily": lambda local: local.date(),
    "weekly": lambda local: local.isocalendar()[:2],
    "monthly": lambda local: (local.year, local.month),
    "yearly": lambda local: local.year,
}
_RULES: Final = ("last", *_PERIODS)


@dataclass(frozen=True, slots=True)
class Keep:
    """How many to keep by each rule, in the order of the rules: the last ones, the newest of each hour, day, …"""

    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What the planner must know of a snapshot; `schedule` is the label of what made it, "" for a person."""

    name: str
    created_at: datetime
    expires_at: datetime | None = None
    is_held: bool = False
    schedule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What becomes of a snapshot: `is_removed` says now, `goes_at` when if that is known, `reason` is for people."""

    name: str
    is_removed: bool
    goes_at: datetime | None
    reason: str


def parse_keep(text: str) -> Keep | None:
    """Read "last=3,hourly=24,daily=7,weekly=4,monthly=12,yearly=3", each part optional; None for the empty text."""
    if not text.strip():
        return None
    counts: dict[str, int] = {}
    for term in text.split(","):
        found = _TERM.fullmatch(term.strip())
        if found is None or found[1] not in _RULES:
            raise BadRequestError(
                f'Invalid rule "{term.strip()}" in "{text}": use {", ".join(_RULES)} with "=" and a number'
            )
        if found[1] in counts:
            raise BadRequestError(f'Rule "{found[1]}" stands twice in "{text}"')
        counts[found[1]] = int(found[2])
    if not any(counts.values()):
        raise BadRequestError(f'"{text}" would keep nothing: give at least one number above 0')
    return Keep(tuple((rule, counts[rule]) for rule in _RULES if rule in counts))


def check_keep(text: str) -> None:
    """Raise `BadRequestError` for what is no rule to keep."""
    parse_keep(text)


def plan(
    snapshots: Sequence[Kept], keeps: Mapping[str, Keep], failing: Collection[str], now: datetime, zone: tzinfo
) -> list[Verdict]:
    """Return what becomes of each snapshot of one instance or volume, in the order given.

    `keeps` are the rules by label of schedule, `failing` the labels whose schedule fails now: of what a failing one
    made, the newest stays, and so does the newest of all. What is dated later than now was made by a wrong clock:
    it stays until its time comes, and isn't counted, as it would be the newest and take the place of a good one.
    """
    counted = [each for each in snapshots if each.created_at <= now]
    holders = _holders(counted, keeps, zone)
    spared = _newest_of_failing(counted, failing)
    return [_verdict(each, keeps, holders.get(each.name, []), spared, now) for each in snapshots]


def _holders(snapshots: Sequence[Kept], keeps: Mapping[str, Keep], zone: tzinfo) -> dict[str, list[str]]:
    """Return the names that rules hold, with what each rule says: "daily 2 of 7"."""
    holders: dict[str, list[str]] = defaultdict(list)
    for label, keep in keeps.items():
        newest_first = sorted((each for each in snapshots if each.schedule == label), key=_age, reverse=True)
        for rule, count in keep.counts:
            for number, each in enumerate(_first_of_periods(newest_first, rule, zone)[:count], 1):
                holders[each.name].append(f"{rule} {number} of {count}")
    return holders


def _first_of_periods(newest_first: Sequence[Kept], rule: str, zone: tzinfo) -> list[Kept]:
    if rule == "last":
        return list(newest_first)
    seen: set[object] = set()
    found = []
    for each in newest_first:
        period = _PERIODS[rule](each.created_at.astimezone(zone))
        if period not in seen:
            seen.add(period)
            found.append(each)
    return found


def _newest_of_failing(snapshots: Sequence[Kept], failing: Collection[str]) -> set[str]:
    if not failing:
        return set()
    groups = [snapshots, *([each for each in snapshots if each.schedule == label] for label in failing)]
    return {max(group, key=_age).name for group in groups if group}


def _age(snapshot: Kept) -> tuple[datetime, str]:
    return snapshot.created_at, snapshot.name


def _verdict(
    snapshot: Kept, keeps: Mapping[str, Keep], holders: Sequence[str], spared: Collection[str], now: datetime
) -> Verdict:
    def stays(reason: str, goes_at: datetime | None = None) -> Verdict:
        return Verdict(name=snapshot.name, is_removed=False, goes_at=goes_at, reason=reason)

    def goes(reason: str) -> Verdict:
        return Verdict(name=snapshot.name, is_removed=True, goes_at=now, reason=reason)

    is_governed = bool(snapshot.schedule) and snapshot.schedule in keeps
    is_expired = snapshot.expires_at is not None and snapshot.expires_at <= now
    if snapshot.is_held:
        return stays("held until it is released")
    if holders:
        return stays(", ".join(holders))
    if snapshot.expires_at is not None and not is_expired:
        return stays("until its expiry", snapshot.expires_at)
    if not is_governed and not is_expired:
        return stays("no expiry")
    if snapshot.created_at > now and not is_expired:
        return stays("dated later than now, so not counted")
    if snapshot.name in spared:
        return stays("newest one while a schedule is failing")
    if is_expired and is_governed:
        return goes("expired, and no rule to keep holds it")
    return goes("expired" if is_expired else "no rule to keep holds it")
