"""Rules by which no snapshot could be taken are refused when they are set, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import InstanceChange, check_update, patched
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.usable_rules import INSTANCE_NAMES, check_usable

ROOT = {"type": "disk", "path": "/", "pool": "p"}
BEFORE = Instance(
    project="default", name="c1", created_at=datetime(2026, 11, 23, tzinfo=UTC), devices={"root": ROOT}, pool="p"
)
BAD = [
    ("snapshots.pattern", "a/b"),
    ("snapshots.pattern", "a b"),
    ("snapshots.pattern", '{{ creation_date|date:"_2" }}'),
    ("snapshots.pattern", "{{ volume }}"),
    ("snapshots.schedules.x.pattern", ".."),
    ("snapshots.expiry", "99999999y"),
    ("snapshots.expiry.manual", "99999y"),
    ("snapshots.schedules.x.expiry", "99999y"),
    ("snapshots.undo", "99999y"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_refused_when_set_and_named(key: str, value: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        check_update(BEFORE, patched(BEFORE, InstanceChange(config={key: value})), ())
    assert str(refused.value).startswith("Invalid config: ")
    assert str(refused.value).endswith(f'({key}: "{value}")')


@pytest.mark.parametrize(("key", "value"), BAD)
def test_what_is_stored_stays(key: str, value: str) -> None:
    stored = replace(BEFORE, config={key: value})
    check_update(stored, patched(stored, InstanceChange(config={"user.note": "x"})), ())
    check_update(stored, patched(stored, InstanceChange(config={key: ""})), ())
    check_instance_config(stored.config, is_imported=True)


def test_what_is_good() -> None:
    good = {
        "snapshots.pattern": '{{ project }}-{{ instance }}-{{ creation_date|date:"2006-01-02" }}-%d',
        "snapshots.expiry": "2w 1d",
        "snapshots.undo": "off",
        "user.pattern": "a/b",
    }
    check_usable({}, good, INSTANCE_NAMES)
    with pytest.raises(BadRequestError, match="no meaning here"):
        check_usable({}, {"snapshots.pattern": "{{ instance }}"}, {})
