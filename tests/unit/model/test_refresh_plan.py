"""What a refresh deletes and sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.model.errors import NameTakenInCopyError
from holdfast.model.instance import Snapshot
from holdfast.model.refresh_plan import as_known, keeping_all, plan_refresh


def _snapshot(name: str, minute: int) -> Snapshot:
    return Snapshot(name=name, created_at=datetime(2026, 1, 1, 0, minute, tzinfo=UTC))


A, B = _snapshot("a", 1), _snapshot("b", 1)


def test_threat_refresh_sends_again_what_is_there() -> None:
    """Snapshots are told apart by name and time: one made anew under an old name is another one."""
    source = [_snapshot("a", 1), _snapshot("b", 9), _snapshot("c", 3)]
    target = [_snapshot("a", 1), _snapshot("b", 2), _snapshot("z", 0)]
    plan = plan_refresh(source, target)
    assert plan.deleted == ("b", "z")
    assert plan.sent == ("b", "c")


def test_the_same_needs_nothing() -> None:
    both = [_snapshot("a", 1)]
    assert plan_refresh(both, both).deleted == plan_refresh(both, both).sent == ()


def test_held_ones_of_the_target_stay() -> None:
    source = [_snapshot("a", 1), _snapshot("b", 9)]
    target = [replace(_snapshot("b", 2), is_held=True), replace(_snapshot("z", 0), is_held=True), _snapshot("y", 0)]
    plan = plan_refresh(source, target)
    assert (plan.deleted, plan.sent, plan.blocked) == (("y",), ("a", "b"), ("b",))


def test_all_of_the_target_can_stay() -> None:
    """Then what is sent must not take the place of another one, held or not."""
    source, target = [_snapshot("a", 1), _snapshot("b", 9)], [_snapshot("a", 1), _snapshot("z", 0)]
    plan = keeping_all(plan_refresh(source, target), rename=str)
    assert (plan.deleted, plan.sent, plan.blocked) == ((), ("b",), ())
    for is_held in (False, True):
        other = replace(_snapshot("b", 2), is_held=is_held)
        with pytest.raises(
            NameTakenInCopyError, match=r"Snapshot b of the copy is not .* \(`mv b`\), or .*--prune-snap"
        ):
            keeping_all(plan_refresh(source, [*target, other]), rename=lambda name: f"mv {name}")


def test_threat_two_snapshots_of_one_name_and_second() -> None:
    """As two servers take them by the same schedule; only to the second is known what crossed by way of LXD."""
    here, there = (replace(A, created_at=A.created_at + timedelta(microseconds=number)) for number in (5, 6))
    assert as_known([there], [here]) == [here]
    assert as_known([there], [A, B]) == [there, B]
    assert as_known([A], [here, B]) == [A, B]
    assert as_known([A], [replace(A, created_at=A.created_at + timedelta(seconds=1))])[0] != A
