"""Records of custom volumes as they cross between servers: config and times in the header, the rest in the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from holdfast.archive.own_keys import spelled_for_lxd, volume_snapshot_config, volume_snapshot_with_own_facts
from holdfast.migration.header import SentSnapshot
from holdfast.migration.index import IndexHeader, VolumeFacts, volume_index
from holdfast.model.errors import HoldfastError, MigrationError
from holdfast.model.names import check_snapshot_name
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import check_volume_config, shown_config

_ZERO_TIME: Final = "0001-01-01T00:00:00Z"
MAP_KEY: Final = "volatile.idmap.last"
"""The owners on the disk, where another server shifts them."""


def sent_volume_snapshot(snapshot: VolumeSnapshot) -> SentSnapshot:
    return SentSnapshot(
        name=snapshot.name,
        config=_told(snapshot),
        created_at=snapshot.created_at,
        expires_at=snapshot.expires_at,
    )


def sent_index(volume: CustomVolume, snapshots: Sequence[VolumeSnapshot]) -> IndexHeader:
    facts = VolumeFacts(
        name=volume.name,
        description=volume.description,
        config=spelled_for_lxd(shown_config(volume.config)),
        content_type=volume.content_type.value,
        project=volume.project,
        created_at=_text(volume.created_at),
    )
    return volume_index(facts, [_snapshot_facts(each, volume) for each in snapshots])


def received_volume_snapshot(
    sent: SentSnapshot, facts: VolumeFacts | None, volume: CustomVolume, now: datetime
) -> VolumeSnapshot:
    """Return the record to write, checked as one of this volume."""
    found = facts or VolumeFacts()
    snapshot = VolumeSnapshot(
        name=sent.name,
        description=found.description,
        config={key: value for key, value in sent.config.items() if not key.startswith("volatile.")},
        created_at=sent.created_at or _time(found.created_at) or now,
        expires_at=_time(found.expires_at) or sent.expires_at,
    )
    try:
        check_snapshot_name(sent.name, of="volume")
        snapshot = volume_snapshot_with_own_facts(snapshot)
        check_volume_config(replace(volume, config=snapshot.config))
    except HoldfastError as error:
        raise MigrationError(f'Snapshot "{sent.name[:80]}" can\'t be taken: {error}') from error
    return snapshot


def comparable(sent: Sequence[SentSnapshot], there: Sequence[VolumeSnapshot]) -> list[VolumeSnapshot]:
    """Return the offered snapshots to be compared with those here: one without a time is known by its name."""
    known = {each.name: each.created_at for each in there}
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    return [VolumeSnapshot(name=each.name, created_at=each.created_at or known.get(each.name, zero)) for each in sent]


def _snapshot_facts(snapshot: VolumeSnapshot, volume: CustomVolume) -> VolumeFacts:
    return VolumeFacts(
        name=snapshot.name,
        description=snapshot.description,
        config=_told(snapshot),
        content_type=volume.content_type.value,
        created_at=_text(snapshot.created_at),
        expires_at=_text(snapshot.expires_at),
    )


def _told(snapshot: VolumeSnapshot) -> dict[str, str]:
    """Return a snapshot's config as it is sent, with what LXD doesn't know of it."""
    return volume_snapshot_config(replace(snapshot, config=shown_config(snapshot.config)))


def _text(time: datetime | None) -> str:
    return _ZERO_TIME if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time(text: str) -> datetime | None:
    if not text or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MigrationError(f'The other server sent a time that is none: "{text[:40]}"') from error
