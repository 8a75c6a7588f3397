"""Custom volumes and their snapshots as the service thinks of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from holdfast.model.instance import Config
from holdfast.model.kinds import ContentType, VolumeType
from holdfast.model.storage import Volume

DISK_FILE: Final = "root.img"
"""The disk of a volume with block content, in the volume's tree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomVolume:
    """A volume that a person made; instances use it through a disk device. Times are aware, UTC."""

    project: str
    pool: str
    name: str
    content_type: ContentType = ContentType.FILESYSTEM
    description: str = ""
    config: Config = field(default_factory=dict)
    created_at: datetime

    @property
    def address(self) -> Volume:
        """Return where its pool's driver keeps it."""
        return Volume(type=VolumeType.CUSTOM, project=self.project, name=self.name, content_type=self.content_type)


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSnapshot:
    """One snapshot of a custom volume; `name` is bare, `config` is the volume's as of its creation.

    `is_held`, `schedule` and `due_at` as for snapshots of instances.
    """

    name: str
    description: str = ""
    config: Config = field(default_factory=dict)
    created_at: datetime
    expires_at: datetime | None = None
    is_held: bool = False
    schedule: str = ""
    due_at: datetime | None = None
