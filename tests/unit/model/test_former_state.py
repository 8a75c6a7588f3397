"""How long the state before a restore is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.former_state import check_undo, undo_until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kept"), [("", timedelta(days=1)), ("1w", timedelta(weeks=1)), ("1d 2H", timedelta(hours=26))]
)
def test_a_time(value: str, kept: timedelta) -> None:
    check_undo(value)
    assert undo_until(value, NOW) == NOW + kept


@pytest.mark.parametrize("value", ["off", "OFF", "0", "no", "false", "0d"])
def test_switched_off(value: str) -> None:
    check_undo(value)
    assert undo_until(value, NOW) is None


@pytest.mark.parametrize("value", ["soon", "-1d", "1x", "on", "1d1d"])
def test_what_is_neither_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadRequestError, match=f'snapshots.undo "{value}": give a time such as "1d", or "off"'):
        check_undo(value)
