"""Keys that LXD doesn't know go through a file and come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from holdfast.archive.definition import Definition, from_config, to_config
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OURS = {
    "snapshots.keep": "daily=7",
    "snapshots.undo": "2d",
    "snapshots.expiry.manual": "1y",
    "snapshots.schedules.nightly": "@daily",
    "snapshots.schedules.nightly.pattern": "n%d",
}
THEIRS = {"snapshots.schedule": "@hourly", "user.x": "1", "limits.memory": "1GiB"}
POOL = Pool(name="p", driver="dir")
SNAPSHOT = Snapshot(
    name="s",
    created_at=NOW,
    config={**OURS, **THEIRS},
    description="before",
    is_held=True,
    schedule="nightly",
    due_at=NOW,
)
INSTANCE = Instance(project="default", name="c1", created_at=NOW, config={**OURS, **THEIRS}, pool="p", profiles=("a",))
PROFILE = Profile(project="default", name="a", config={**OURS, **THEIRS})
WHOLE = Definition(instance=INSTANCE, snapshots=(SNAPSHOT,), profiles=(PROFILE,))


def test_what_lxd_reads_has_no_key_of_ours() -> None:
    config = to_config(WHOLE, POOL)
    assert config.container is not None
    assert config.snapshots is not None and config.snapshots[0] is not None
    assert config.profiles is not None and config.profiles[0] is not None
    for found in (
        config.container.config,
        config.container.expanded_config,
        config.snapshots[0].config,
        config.snapshots[0].expanded_config,
        config.profiles[0].config,
    ):
        assert found is not None
        assert not set(OURS) & set(found)
        assert {f"user.holdfast.{name}": value for name, value in OURS.items()}.items() <= found.items()
        assert THEIRS.items() <= found.items()


def test_everything_comes_back() -> None:
    found = from_config(to_config(WHOLE, POOL), pool="p")
    assert found.profiles == (replace(PROFILE, project=""),)
    config = {name: value for name, value in found.instance.config.items() if not name.startswith("volatile.")}
    assert config == INSTANCE.config
    snapshot = found.snapshots[0]
    assert {**snapshot.config} == {**SNAPSHOT.config, "volatile.last_state.idmap": "[]"}
    assert (snapshot.is_held, snapshot.schedule, snapshot.due_at, snapshot.description) == (
        *(True, "nightly", NOW),
        "before",
    )


def test_facts_of_a_snapshot_that_lxd_restored_are_dropped() -> None:
    instance = replace(INSTANCE, config={"user.holdfast.snapshot.held": "true", "user.holdfast.note": "kept"})
    found = from_config(to_config(Definition(instance=instance), POOL), pool="p")
    assert "user.holdfast.snapshot.held" not in found.instance.config
    assert found.instance.config["user.holdfast.note"] == "kept"


def test_a_label_or_time_that_is_none() -> None:
    bad = replace(SNAPSHOT, config={}, schedule="", due_at=None)
    for key, value in (("schedule", "../x"), ("due_at", "yesterday")):
        hostile = replace(bad, config={f"user.holdfast.snapshot.{key}": value})
        config = to_config(Definition(instance=INSTANCE, snapshots=(hostile,)), POOL)
        if key == "schedule":
            assert from_config(config, pool="p").snapshots[0].schedule == ""
        else:
            with pytest.raises(ArchiveError, match="a time that is none"):
                from_config(config, pool="p")
