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


class BackupPost(msgspec.Struct, kw_only=True):
    name: str = ""
