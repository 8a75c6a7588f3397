"""Export files that wait on the server."""

from __future__ import annotations

import msgspec


class Backup(msgspec.Struct, kw_only=True):
    name: str
    created_at: str
    expires_at: str
    instance_only: bool
    container_only: bool
    optimized_storage: bool


class BackupsPost(msgspec.Struct, kw_only=True):
    name: str = ""
    expires_at: str | None = None
    instance_only: bool = False
    container_only: bool = False
    optimized_storage: bool = False
    compression_algorithm: str = ""
    snapshot: str = ""
    """Ours: the snapshot that is exported as the instance."""
    exclude: list[str] = []
    """Ours: patterns of paths of the root file system that are left out."""
    version: int = 0
    """Of the metadata; 0: the server's choice."""
    guide_expires_at: str | None = msgspec.field(name="expires-at", default=None)
    """This and what follows: the spellings of the guide."""
    guide_instance_only: bool = msgspec.field(name="instance-only", default=False)
    guide_container_only: bool = msgspec.field(name="container-only", default=False)
    guide_optimized_storage: bool = msgspec.field(name="optimized-storage", default=False)
    guide_compression_algorithm: str = msgspec.field(name="compression-algorithm", default="")

    def __post_init__(self) -> None:
        self.expires_at = self.expires_at or self.guide_expires_at
        self.instance_only |= self.container_only or self.guide_instance_only or self.guide_container_only
        self.optimized_storage |= self.guide_optimized_storage
        self.compression_algorithm = self.compression_algorithm or self.guide_compression_algorithm


class BackupPost(msgspec.Struct, kw_only=True):
    name: str = ""
