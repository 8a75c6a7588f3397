from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.protection import (
    MARK_KEY,
    ORIGIN_KEY,
    ProtectedCopy,
    Protection,
    check_protection,
    copied_settings,
    default_name,
    is_copy_for,
    is_late,
    is_open,
    one_in_charge,
)
from holdfast.model.refresh_plan import RefreshPlan, keeping_others

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PROTECTION = Protection(
    name="home-web",
    remote="home",
    address="https://10.0.0.5:8443",
    certificate="PEM",
    pattern="web*",
    pool="tank",
    schedule="@hourly",
    keep="daily=7",
    created_at=NOW,
)


def test_patterns_name_instances() -> None:
    assert [name for name in ("web", "web1", "Web", "a-web") if PROTECTION.matches(name)] == ["web", "web1"]
    assert replace(PROTECTION, pattern="[ab]?").matches("b1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"pattern": ""}, "pattern"),
        ({"pattern": "a/b"}, "pattern"),
        ({"schedule": ""}, "schedule"),
        ({"schedule": "sometimes"}, "form"),
        ({"schedule": "@startup"}, "form"),
        ({"keep": "some"}, "rule"),
        ({"window": "22-6"}, "window"),
        ({"window": "24:00-06:00"}, "window"),
        ({"parallel": 0}, "at a time"),
        ({"bytes_per_s": 10}, "bandwidth"),
    ],
)
def test_what_can_not_be(change: dict[str, Any], says: str) -> None:
    check_protection(PROTECTION)
    with pytest.raises(BadRequestError, match=f"(?i){says}"):
        check_protection(replace(PROTECTION, **change))


@pytest.mark.parametrize(
    ("remote", "project", "pattern", "name"),
    [
        ("home", "default", "web", "home-web"),
        ("home", "shop", "*", "home-shop-all"),
        ("home", "default", "web-[0-9]?", "home-web-0-9"),
        ("home", "default", "x" * 100, ("home-" + "x" * 100)[:63]),
    ],
)
def test_default_names(remote: str, project: str, pattern: str, name: str) -> None:
    assert default_name(remote, project, pattern) == name
    check_protection(replace(PROTECTION, name=name))


@pytest.mark.parametrize(
    ("window", "open_at", "closed_at"),
    [
        ("", ["00:00", "12:00"], []),
        ("09:00-17:00", ["09:00", "16:59"], ["08:59", "17:00"]),
        ("22:00-06:00", ["22:00", "00:00", "05:59"], ["06:00", "12:00", "21:59"]),
    ],
)
def test_windows(window: str, open_at: list[str], closed_at: list[str]) -> None:
    assert all(is_open(window, time.fromisoformat(text)) for text in open_at)
    assert not any(is_open(window, time.fromisoformat(text)) for text in closed_at)


def test_a_copy_lies_still_and_stands_on_its_own() -> None:
    config = {
        "limits.memory": "1GiB",
        "boot.autostart": "true",
        "snapshots.schedule": "@daily",
        "snapshots.expiry": "1d",
        "snapshots.pattern": "auto %d",
        "security.protection.delete": "true",
        "volatile.uuid": "u",
        "user.holdfast.copy_of": "other",
        "user.holdfast.copy_started": "true",
        "user.note": "kept",
    }
    devices = {
        "root": {"type": "disk", "path": "/", "pool": "there", "size": "5GiB"},
        "eth0": {"type": "nic", "network": "lxdbr0"},
        "data": {"type": "disk", "path": "/data", "pool": "there", "source": "data"},
        "host": {"type": "disk", "path": "/mnt", "source": "/srv"},
        "gpu": {"type": "gpu"},
    }
    kept, here = copied_settings(config, devices, ("default", "web"), PROTECTION)
    assert kept == {
        "limits.memory": "1GiB",
        "user.note": "kept",
        "user.holdfast.copy_of": "home-web",
        "user.holdfast.copy_profiles": "default,web",
        "user.holdfast.copy_left_out": "data,gpu,host",
        "user.holdfast.copy_settings": "boot.autostart=true security.protection.delete=true snapshots.expiry=1d "
        "snapshots.pattern='auto %d' snapshots.schedule=@daily",
        "snapshots.keep": "daily=7",
    }
    assert here == {"root": {**devices["root"], "pool": "tank"}, "eth0": devices["eth0"]}
    assert is_copy_for(kept, PROTECTION, [], "")
    assert not is_copy_for(config, PROTECTION, [], "")


def test_when_a_copy_is_late() -> None:
    due_at, soon, later = NOW, NOW + timedelta(minutes=30), NOW + timedelta(hours=2)
    fresh = ProtectedCopy(instance="web", succeeded_at=NOW + timedelta(minutes=1))
    old = ProtectedCopy(instance="web", succeeded_at=NOW - timedelta(days=1))
    assert not is_late(fresh, due_at, later)
    assert not is_late(old, due_at, soon)
    assert is_late(old, due_at, later)
    assert is_late(ProtectedCopy(instance="web"), due_at, later)
    assert not is_late(ProtectedCopy(instance="web", is_missing=True), due_at, later)
    assert not is_late(old, None, later)


def test_who_is_in_charge_of_an_instance() -> None:
    everything = replace(PROTECTION, name="all", pattern="*")
    some = replace(PROTECTION, name="some", pattern="d*", created_at=NOW + timedelta(1))
    one = replace(PROTECTION, name="one", pattern="db", created_at=NOW + timedelta(2), is_paused=True)
    found = [everything, some, one]
    assert one_in_charge(found, "db") is one
    assert one_in_charge(found, "data") is everything
    assert one_in_charge([some, one], "data") is some
    assert one_in_charge([some, one], "web") is None


@pytest.mark.parametrize(
    ("config", "is_taken"),
    [
        ({MARK_KEY: "mine", ORIGIN_KEY: "1"}, True),
        ({MARK_KEY: "mine", ORIGIN_KEY: "other"}, True),
        ({MARK_KEY: "wide", ORIGIN_KEY: "other"}, True),
        ({MARK_KEY: "elsewhere", ORIGIN_KEY: "1"}, False),
        ({MARK_KEY: "gone", ORIGIN_KEY: "1"}, True),
        ({MARK_KEY: "gone", ORIGIN_KEY: "other"}, False),
        ({MARK_KEY: "gone"}, False),
        ({ORIGIN_KEY: "1"}, False),
        ({}, False),
    ],
)
def test_whose_copy_may_be_brought_up_to_date(config: dict[str, str], is_taken: bool) -> None:
    mine = replace(PROTECTION, name="mine")
    others = [mine, replace(PROTECTION, name="wide"), replace(PROTECTION, name="elsewhere", address="10.0.0.9:8443")]
    assert is_copy_for(config, mine, others, "1") is is_taken


def test_what_the_source_has_no_more_stays() -> None:
    plan = RefreshPlan(deleted=("gone", "changed"), sent=("changed", "new"))
    assert keeping_others(plan) == RefreshPlan(deleted=("changed",), sent=("changed", "new"))
