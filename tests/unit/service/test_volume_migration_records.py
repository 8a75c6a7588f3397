"""What crosses of the records of a custom volume's snapshots."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from holdfast.migration.header import SentSnapshot
from holdfast.model.errors import MigrationError
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY
from holdfast.service.volume_migration_records import received_volume_snapshot, sent_volume_snapshot

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
VOLUME = CustomVolume(name="data", pool="default", project="default", created_at=NOW)


def test_what_a_snapshot_is_counted_as_crosses() -> None:
    """The rules to keep of the copy count what schedules made, and a hold stays."""
    snapshot = VolumeSnapshot(
        name="snap0",
        created_at=NOW,
        expires_at=NOW,
        config={UUID_KEY: "x", "snapshots.keep": "last=3", "user.note": "kept"},
        is_held=True,
        schedule="often",
        due_at=NOW,
    )
    sent = sent_volume_snapshot(snapshot)
    assert all(key.startswith("user.") for key in sent.config)
    received = received_volume_snapshot(sent, None, VOLUME, NOW)
    assert (received.is_held, received.schedule, received.due_at) == (True, "often", NOW)
    assert received.config == {"snapshots.keep": "last=3", "user.note": "kept"}


def test_threat_a_snapshot_that_came_with_a_moment_that_is_none() -> None:
    sent = SentSnapshot(name="snap0", config={"user.holdfast.snapshot.due_at": "yesterday"}, created_at=NOW)
    with pytest.raises(MigrationError, match="a time that is none"):
        received_volume_snapshot(sent, None, VOLUME, NOW)
