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


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Names in the order of the lists they came from."""

    deleted: tuple[str, ...]
    sent: tuple[str, ...]


def plan_refresh(source: Sequence[Dated], target: Sequence[Dated]) -> RefreshPlan:
    """Return what brings the target's snapshots in line with the source's."""
    wanted = {(each.name, each.created_at) for each in source}
    there = {(each.name, each.created_at) for each in target}
    return RefreshPlan(
        deleted=tuple(each.name for each in target if (each.name, each.created_at) not in wanted),
        sent=tuple(each.name for each in source if (each.name, each.created_at) not in there),
    )
