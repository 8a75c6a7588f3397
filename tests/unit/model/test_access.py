"""What each kind of trust lets in."""

from __future__ import annotations

from holdfast.model.access import EVERYTHING, STRANGER, Access, Trust


def test_who_may_enter() -> None:
    restricted = Access(Trust.RESTRICTED, frozenset({"p1"}))
    metrics = Access(Trust.METRICS, frozenset({"p1"}))
    assert [each.may_enter("p1") for each in (EVERYTHING, restricted, metrics, STRANGER)] == [True, True, False, False]
    assert [each.may_enter("p2") for each in (EVERYTHING, restricted, metrics, STRANGER)] == [True, False, False, False]
    assert [each.may_see(None) for each in (EVERYTHING, restricted, metrics, STRANGER)] == [True, False, False, False]
    assert [each.is_trusted for each in (EVERYTHING, restricted, metrics, STRANGER)] == [True, True, False, False]


def test_restricted_to_nothing() -> None:
    assert not Access(Trust.RESTRICTED).may_enter("default")
