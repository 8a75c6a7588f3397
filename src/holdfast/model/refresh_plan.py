"""What a refresh of a copy deletes and sends: snapshots are the same when name and time of creation are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model.instance import Snapshot


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Names in the order of the lists they came from."""

    deleted: tuple[str, ...]
    sent: tuple[str, ...]


def plan_refresh(source: Sequence[Snapshot], target: Sequence[Snapshot]) -> RefreshPlan:
    """Return what brings the target's snapshots in line with the source's."""
    wanted = {(each.name, each.created_at) for each in source}
    there = {(each.name, each.created_at) for each in target}
    return RefreshPlan(
        deleted=tuple(each.name for each in target if (each.name, each.created_at) not in wanted),
        sent=tuple(each.name for each in source if (each.name, each.created_at) not in there),
    )
