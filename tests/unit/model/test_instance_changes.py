"""Updates of instances: what PUT and PATCH make of a record, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import InstanceChange, check_update, patched, replaced
from holdfast.model.profile import Profile

ROOT = {"type": "disk", "path": "/", "pool": "p"}
PROFILE = Profile(project="default", name="default", devices={"root": ROOT})
BEFORE = Instance(
    project="default",
    name="c1",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    profiles=("default",),
    config={"user.a": "1", "user.b": "2", "volatile.last_state.idmap": "[]", "volatile.idmap.base": "0"},
    devices={"data": {"type": "disk", "path": "/data", "source": "/srv"}},
    pool="p",
)


def test_put_replaces_config_and_devices() -> None:
    after = replaced(BEFORE, InstanceChange(config={"user.c": "3"}, devices={}))
    assert after.config == {"user.c": "3", "volatile.last_state.idmap": "[]"}
    assert after.devices == {}
    assert after.profiles == ("default",)


def test_patch_merges_config_per_key_and_devices_per_name() -> None:
    change = InstanceChange(config={"user.a": "", "user.c": "3"}, devices={"more": {"type": "none"}})
    after = patched(BEFORE, change)
    assert after.config == {"user.b": "2", "user.c": "3", "volatile.last_state.idmap": "[]", "volatile.idmap.base": "0"}
    assert set(after.devices) == {"data", "more"}


def test_an_empty_option_of_a_device_is_none() -> None:
    """That is how `lxc config device unset` unsets one."""
    change = InstanceChange(devices={"data": {**BEFORE.devices["data"], "readonly": ""}})
    for apply in (replaced, patched):
        assert apply(BEFORE, change).devices == BEFORE.devices


def test_nobody_outside_can_say_how_the_disk_is_shifted() -> None:
    lie = {"volatile.last_state.idmap": '[{"Hostid":5}]', "volatile.last_state.power": "RUNNING"}
    assert patched(BEFORE, InstanceChange(config=lie)).config == BEFORE.config


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (InstanceChange(config={"nope.key": "1"}), "Invalid config: Unknown configuration key: nope.key"),
        (InstanceChange(config={"volatile.idmap.base": ""}), "Volatile idmap keys can't be deleted by the user"),
        (InstanceChange(config={"snapshots.expiry": "3x"}), "Invalid config: Invalid expiry expression"),
        (InstanceChange(devices={"x": {"type": "gpu"}}), 'Invalid devices: Device validation failed for "x"'),
        (InstanceChange(devices={"root": {**ROOT, "pool": "q"}}), "Cannot update root disk device pool name"),
    ],
)
def test_threat_the_final_merged_object_is_checked(change: InstanceChange, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        check_update(BEFORE, patched(BEFORE, change), [PROFILE])


def test_threat_a_profile_with_a_bad_value_is_found_in_the_expanded_config() -> None:
    bad = Profile(project="default", name="default", config={"limits.memory": "much"}, devices={"root": ROOT})
    with pytest.raises(BadRequestError, match="Invalid config"):
        check_update(BEFORE, BEFORE, [bad])
