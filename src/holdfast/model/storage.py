"""Pools and volumes as drivers and services name them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from holdfast.model.instance import Config
from holdfast.model.kinds import DEFAULT_PROJECT, ContentType, InstanceType, VolumeType


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    name: str
    driver: str
    description: str = ""
    config: Config = field(default_factory=dict)
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """The address of one volume in a pool. Snapshots are named beside it, as a plain string."""

    type: VolumeType
    project: str
    name: str
    content_type: ContentType = ContentType.FILESYSTEM

    @property
    def storage_name(self) -> str:
        """The directory's name: custom volumes always carry the project, instances only outside "default"."""
        if self.type is VolumeType.IMAGE:
            return self.name
        if self.type is VolumeType.CUSTOM or self.project != DEFAULT_PROJECT:
            return f"{self.project}_{self.name}"
        return self.name

    def renamed(self, name: str, project: str | None = None) -> Volume:
        """Return the address under another name; `project` None: in the same one."""
        home = self.project if project is None else project
        return Volume(type=self.type, project=home, name=name, content_type=self.content_type)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Space and inodes of a pool, in bytes and counts."""

    space_used_bytes: int
    space_total_bytes: int
    inodes_used: int
    inodes_total: int
    space_available_bytes: int


def instance_volume(instance_type: InstanceType, project: str, name: str) -> Volume:
    """Return the address of an instance's root volume."""
    return Volume(type=VolumeType(instance_type.value), project=project, name=name)


def image_volume(fingerprint: str) -> Volume:
    """Return the address of an image's unpacked volume on a driver that clones."""
    return Volume(type=VolumeType.IMAGE, project=DEFAULT_PROJECT, name=fingerprint)
