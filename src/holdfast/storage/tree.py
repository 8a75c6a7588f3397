"""Names below a pool's mount point: LXD's layout, shared by every driver."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume

STAGING: Final = ".staging"
FORMER: Final = ".former"
FOLDERS: Final = {
    VolumeType.CONTAINER: "containers",
    VolumeType.VIRTUAL_MACHINE: "virtual-machines",
    VolumeType.CUSTOM: "custom",
    VolumeType.IMAGE: "images",
}


def volume_path(mount: Path, volume: Volume, snapshot: str | None = None) -> Path:
    """Return where the content of a volume, or of one of its snapshots, belongs."""
    folder = FOLDERS[volume.type]
    if snapshot is None:
        return mount / folder / volume.storage_name
    return mount / f"{folder}-snapshots" / volume.storage_name / snapshot
