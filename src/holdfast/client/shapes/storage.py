"""Pools and volumes."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from holdfast.client.shapes.maps import StringMap


class Pool(TypedDict):
    name: str
    description: str
    driver: str
    config: StringMap
    status: str
    used_by: list[str] | None


class Space(TypedDict):
    used: int
    total: int


class PoolResources(TypedDict):
    space: Space
    inodes: Space


class Volume(TypedDict):
    name: str
    description: str
    type: str
    content_type: str
    config: StringMap
    used_by: list[str] | None
    location: str
    project: str
    created_at: str


class VolumeSnapshot(TypedDict):
    """A snapshot of a volume. An `expires_at` of year 1, or none, means never."""

    name: str
    description: str
    config: StringMap
    content_type: str
    created_at: str
    expires_at: str | None
    held: NotRequired[bool]


class VolumeUsage(TypedDict):
    """Bytes; a `total` of 0 is no limit."""

    used: int
    total: int
