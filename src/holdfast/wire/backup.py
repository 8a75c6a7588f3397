"""Export files that wait on the server."""

from __future__ import annotations

import msgspec


class Backup(msgspec.Struct, kw_only=True):
    """Of an instance. `size` is ours: bytes of the file, -1 where it isn't told."""

    name: str
    created_at: str
    expires_at: str
    instance_only: bool
    container_only: bool
    optimized_storage: bool
    size: int


class VolumeBackup(msgspec.Struct, kw_only=True):
    """Of a custom volume. `size` is ours, as above."""

    name: str
    created_at: str
    expires_at: str
    volume_only: bool
    optimized_storage: bool
    size: int


class _Export(msgspec.Struct, kw_only=True):
    """What can be wished of any export."""

    name: str = ""
    expires_at: str | None = None
    optimized_storage: bool = False
    compression_algorithm: str = ""
    snapshot: str = ""
    """Ours: the snapshot that is exported as the instance or volume."""
    exclude: list[str] = []
    """Ours: patterns of paths that are left out, of the root file system or of the volume."""
    version: int = 0
    """Of the metadata; 0: the server's choice."""
    guide_expires_at: str | None = msgspec.field(name="expires-at", default=None)
    """This and what follows: the spellings of the guide."""
    guide_optimized_storage: bool = msgspec.field(name="optimized-storage", default=False)
    guide_compression_algorithm: str = msgspec.field(name="compression-algorithm", default="")

    def __post_init__(self) -> None:
        self.expires_at = self.expires_at or self.guide_expires_at
        self.optimized_storage |= self.guide_optimized_storage
        self.compression_algorithm = self.compression_algorithm or self.guide_compression_algorithm


class BackupsPost(_Export, kw_only=True):
    instance_only: bool = False
    container_only: bool = False
    guide_instance_only: bool = msgspec.field(name="instance-only", default=False)
    guide_container_only: bool = msgspec.field(name="container-only", default=False)
    with_volumes: bool = False
    """Ours: with the custom volumes that are attached to the instance."""
    since: str = ""
    """Ours: only what differs from this snapshot, in the form of the pool."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.instance_only |= self.container_only or self.guide_instance_only or self.guide_container_only


class VolumeBackupsPost(_Export, kw_only=True):
    volume_only: bool = False
    guide_volume_only: bool = msgspec.field(name="volume-only", default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.volume_only |= self.guide_volume_only


class BackupPost(msgspec.Struct, kw_only=True):
    name: str = ""
