"""The index header: what a volume is, in the words of an export's index, told before its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.wire.backup_index import BackupConfig, VolumeEntry, VolumeSnapshotEntry
from holdfast.wire.migration import IndexConfig, IndexHeader

__all__ = ["IndexHeader", "VolumeFacts", "instance_index", "snapshot_index", "volume_facts", "volume_index"]


def instance_index(config: BackupConfig) -> IndexHeader:
    """Return the index of an instance: all that an export's says."""
    return IndexHeader(
        config=IndexConfig(
            container=config.container,
            snapshots=config.snapshots,
            pool=config.pool,
            profiles=config.profiles,
            volume=config.volume,
            volume_snapshots=config.volume_snapshots,
        )
    )


def snapshot_index(config: BackupConfig) -> IndexHeader:
    """Return the index of one snapshot, which tells of no instance."""
    return IndexHeader(config=IndexConfig(pool=config.pool, profiles=config.profiles, volume=config.volume))


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeFacts:
    """What the index says of a custom volume, or of one of its snapshots; times are LXD's text."""

    name: str = ""
    description: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    project: str = ""
    created_at: str = ""
    expires_at: str = ""


def volume_index(volume: VolumeFacts, snapshots: Sequence[VolumeFacts]) -> IndexHeader:
    """Return the index of a custom volume."""
    return IndexHeader(
        config=IndexConfig(
            volume=VolumeEntry(
                config=dict(volume.config),
                description=volume.description,
                name=volume.name,
                type="custom",
                used_by=[],
                location="none",
                content_type=volume.content_type,
                project=volume.project,
                created_at=volume.created_at,
            ),
            volume_snapshots=[
                VolumeSnapshotEntry(
                    description=each.description,
                    expires_at=each.expires_at,
                    name=each.name,
                    config=dict(each.config),
                    content_type=each.content_type,
                    created_at=each.created_at,
                )
                for each in snapshots
            ],
        )
    )


def volume_facts(index: IndexHeader) -> tuple[VolumeFacts, dict[str, VolumeFacts]]:
    """Return what an index says of the volume and of its snapshots, by their names; nothing where it says nothing."""
    config = index.config or IndexConfig()
    volume = _facts(config.volume) if config.volume is not None else VolumeFacts()
    snapshots = [_facts(each) for each in config.volume_snapshots or [] if each is not None]
    return volume, {each.name.rpartition("/")[2]: each for each in snapshots}


def _facts(entry: VolumeEntry | VolumeSnapshotEntry) -> VolumeFacts:
    return VolumeFacts(
        name=entry.name or "",
        description=entry.description or "",
        config={key: value for key, value in (entry.config or {}).items() if value is not None},
        content_type=entry.content_type or "",
        created_at=entry.created_at or "",
        expires_at=(entry.expires_at or "") if isinstance(entry, VolumeSnapshotEntry) else "",
    )
