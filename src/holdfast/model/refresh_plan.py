"""What a refresh of a copy deletes and sends: snapshots are the same when name and time of creation are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Dated(Protocol):
    """A snapshot, of an instance or a volume."""

    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def is_held(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Names in the order of the lists they came from; `blocked`: held ones in whose place others would come."""

    deleted: tuple[str, ...]
    sent: tuple[str, ...]
    blocked: tuple[str, ...] = ()


def keeping_others(plan: RefreshPlan) -> RefreshPlan:
    """Return the plan that deletes nothing but what others of the same name take the place of."""
    return RefreshPlan(tuple(name for name in plan.deleted if name in plan.sent), plan.sent, plan.blocked)


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
