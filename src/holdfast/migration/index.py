"""The index header: what a volume is, in the words of an export's index, told before its data."""

from __future__ import annotations

from holdfast.wire.backup_index import BackupConfig
from holdfast.wire.migration import IndexConfig, IndexHeader

__all__ = ["IndexHeader", "instance_index", "snapshot_index"]


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
