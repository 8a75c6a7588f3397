"""Schedules with labels, and their keys."""

from __future__ import annotations

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.instance_keys import check_instance_config, check_profile_config
from holdfast.model.schedules import Schedule, keep_rule, schedules_of
from holdfast.model.server_keys import PROJECT_KEYS
from holdfast.model.volume_keys import VOLUME_KEYS

CONFIG = {
    "snapshots.schedule": "@hourly",
    "snapshots.pattern": "h%d",
    "snapshots.expiry": "1d",
    "snapshots.keep": "hourly=24",
    "snapshots.schedules.nightly": "30 2 * * *",
    "snapshots.schedules.nightly.pattern": "n%d",
    "snapshots.schedules.nightly.keep": "daily=7",
    "snapshots.schedules.a": "@weekly",
    "snapshots.schedules.off": "",
}


def test_the_plain_one_comes_first_and_lends_what_others_do_not_say() -> None:
    check_instance_config(CONFIG)
    check_profile_config(CONFIG)
    assert schedules_of(CONFIG) == [
        Schedule(label="default", rule="@hourly", pattern="h%d", expiry="1d", keep="hourly=24"),
        Schedule(label="a", rule="@weekly", pattern="h%d", expiry="1d", keep="hourly=24"),
        Schedule(label="nightly", rule="30 2 * * *", pattern="n%d", expiry="1d", keep="daily=7"),
    ]


def test_none() -> None:
    assert schedules_of({}) == []
    assert schedules_of({"snapshots.schedules.x.keep": "last=1"}) == []


def test_the_rule_to_keep_outlives_its_schedule() -> None:
    assert keep_rule({"snapshots.schedules.x.keep": "last=1", "snapshots.keep": "last=2"}, "x") == "last=1"
    assert keep_rule({"snapshots.keep": "last=2"}, "x") == "last=2"


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("snapshots.schedules.Bad", "@daily", 'Invalid label "Bad"'),
        ("snapshots.schedules.", "@daily", "Unknown configuration key"),
        ("snapshots.schedules." + "a" * 33, "@daily", "Invalid label"),
        ("snapshots.schedules.default", "@daily", "is that of snapshots.schedule"),
        ("snapshots.schedules.x.bogus", "1", "Unknown configuration key"),
        ("snapshots.schedules.x", "bogus", "Schedule must be of the form"),
        ("snapshots.schedules.x.keep", "bogus", "Invalid rule"),
        ("snapshots.schedules.x.pattern", "{{ bad", "Invalid snapshot pattern"),
        ("snapshots.schedules.x.expiry", "3x", "Invalid expiry"),
        ("snapshots.keep", "daily", "Invalid rule"),
        ("snapshots.expiry.manual", "3x", "Invalid expiry"),
    ],
)
def test_refused_keys(key: str, value: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        check_instance_config({key: value})


def test_projects_have_a_rule_to_keep() -> None:
    PROJECT_KEYS.check({"snapshots.keep": "daily=7"})
    with pytest.raises(BadRequestError, match="Invalid rule"):
        PROJECT_KEYS.check({"snapshots.keep": "7"})


def test_volumes_have_the_same_keys_but_no_start() -> None:
    volume = {key: value for key, value in CONFIG.items() if value}
    VOLUME_KEYS.check(volume)
    for key in ("snapshots.schedule", "snapshots.schedules.x"):
        for rule in ("@startup", "@never"):
            with pytest.raises(BadRequestError, match="Schedule must be of the form"):
                VOLUME_KEYS.check({key: rule})
    for key in ("snapshots.schedule.stopped", "snapshots.undo"):
        with pytest.raises(BadRequestError, match="Unknown configuration key"):
            VOLUME_KEYS.check({key: "true"})
