"""Images and their aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.model.kinds import InstanceType


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """One stored image; `fingerprint` is SHA-256 (hex) of the file, of metadata + rootfs files when split."""

    project: str
    fingerprint: str
    filename: str
    size_bytes: int
    public: bool = False
    auto_update: bool = False
    cached: bool = False
    architecture: str = "x86_64"
    type: InstanceType = InstanceType.CONTAINER
    properties: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ("default",)
    created_at: datetime | None = None
    uploaded_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    is_split: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageAlias:
    project: str
    name: str
    target: str
    description: str = ""
    type: InstanceType = InstanceType.CONTAINER
