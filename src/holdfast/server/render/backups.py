"""Export files as the API shows them."""

from __future__ import annotations

from typing import Final

from holdfast.model.backup import Backup
from holdfast.wire import backup as wire
from holdfast.wire.timestamps import to_wire

UNTOLD: Final = -1


def backup_shape(backup: Backup, size_bytes: int = UNTOLD) -> wire.Backup:
    """Return one of an instance."""
    return wire.Backup(
        name=backup.name,
        created_at=to_wire(backup.created_at),
        expires_at=to_wire(backup.expires_at),
        instance_only=backup.is_alone,
        container_only=backup.is_alone,
        optimized_storage=backup.optimized_storage,
        size=size_bytes,
    )


def volume_backup_shape(backup: Backup, size_bytes: int = UNTOLD) -> wire.VolumeBackup:
    """Return one of a custom volume."""
    return wire.VolumeBackup(
        name=backup.name,
        created_at=to_wire(backup.created_at),
        expires_at=to_wire(backup.expires_at),
        volume_only=backup.is_alone,
        optimized_storage=backup.optimized_storage,
        size=size_bytes,
    )
