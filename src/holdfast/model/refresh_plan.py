"""What a refresh of a copy deletes and sends: snapshots are the same when name and time of creation are. Pure.

What only the copy has goes, as in LXD, or stays (`keeping_others`, `keeping_all`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from holdfast.model.errors import NameTakenInCopyError
from holdfast.model.instance import Snapshot
from holdfast.model.volume import VolumeSnapshot


class Dated(Protocol):
    """A snapshot, of an instance or a volume."""

    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def is_held(self) -> bool: ...


Known = TypeVar("Known", Snapshot, VolumeSnapshot)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Names in the order of the lists they came from; `blocked`: held ones in whose place others would come."""

    deleted: tuple[str, ...]
    sent: tuple[str, ...]
    blocked: tuple[str, ...] = ()


def as_known(offered: Sequence[Dated], there: Sequence[Known]) -> list[Known]:
    """Return the target's snapshots with the times that the other server knows them by.

    LXD tells and keeps whole seconds. Where one of two times is whole the second decides. Else two servers that take a
    snapshot of one name in one second, by the same schedule, would pass theirs for the same.
    """
    times = {each.name: each.created_at for each in offered}
    return [_as_offered(each, times.get(each.name)) for each in there]


def _as_offered(one: Known, offered_at: datetime | None) -> Known:
    own_at = one.created_at
    if offered_at is None or (own_at.microsecond and offered_at.microsecond):
        return one
    is_same = own_at.replace(microsecond=0) == offered_at.replace(microsecond=0)
    return replace(one, created_at=offered_at) if is_same else one


def shared_names(source: Sequence[Dated], target: Sequence[Dated]) -> set[str]:
    """Return the names of those that both have."""
    there = {(each.name, each.created_at) for each in target}
    return {each.name for each in source if (each.name, each.created_at) in there}


def keeping_others(plan: RefreshPlan) -> RefreshPlan:
    """Return the plan that deletes nothing but what others of the same name take the place of."""
    return RefreshPlan(tuple(name for name in plan.deleted if name in plan.sent), plan.sent, plan.blocked)


def keeping_all(plan: RefreshPlan, rename: Callable[[str], str]) -> RefreshPlan:
    """Return the plan that deletes nothing; raise `NameTakenInCopyError` where one that is sent has no place then.

    `rename` returns the command that makes the place of a name free.
    """
    taken = [name for name in plan.sent if name in plan.deleted or name in plan.blocked]
    if taken:
        raise NameTakenInCopyError(taken, rename(taken[0]))
    return RefreshPlan((), plan.sent)


def plan_refresh(source: Sequence[Dated], target: Sequence[Dated]) -> RefreshPlan:
    """Return what brings the target's snapshots in line with the source's. Held ones stay: see `blocked`."""
    wanted = {(each.name, each.created_at) for each in source}
    there = {(each.name, each.created_at) for each in target}
    unwanted = [each for each in target if (each.name, each.created_at) not in wanted]
    sent = tuple(each.name for each in source if (each.name, each.created_at) not in there)
    return RefreshPlan(
        deleted=tuple(each.name for each in unwanted if not each.is_held),
        sent=sent,
        blocked=tuple(each.name for each in unwanted if each.is_held and each.name in sent),
    )
