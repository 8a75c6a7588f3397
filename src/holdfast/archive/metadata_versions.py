"""From one version of the metadata in export files to the other: nothing is lost either way.

What differs between them stands at `BackupConfig`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.metadata_version import VERSIONS
from holdfast.wire.backup_index import BackupConfig

_ONLY_IN_1: Final = ("container", "pool", "volume", "volume_snapshots")
_ONLY_IN_2: Final = ("instance", "pools", "volumes")
_KNOWN: Final = " and ".join(map(str, VERSIONS))


def check_version(version: int) -> None:
    """Raise `BadRequestError` for a version that can't be written."""
    if version not in VERSIONS:
        raise BadRequestError(f"Backup metadata version {version} is not supported: this server writes {_KNOWN}")


def as_version_1(config: BackupConfig) -> BackupConfig:
    """Return a document from outside in version 1, or raise `ArchiveError`.

    One that has what only the other version has is refused: readers of either would see different things.
    """
    version = config.version or (1 if config.instance is None else 2)
    if version not in VERSIONS:
        raise ArchiveError(f"Backup config has version {version} of the metadata: this server reads {_KNOWN}")
    strange = [name for name in (_ONLY_IN_2 if version == 1 else _ONLY_IN_1) if getattr(config, name) is not None]
    if strange:
        raise ArchiveError(f"Backup config of version {version} holds {', '.join(strange)} of another version")
    if version == 1:
        return config
    volume = next(iter(config.volumes or []), None)
    return BackupConfig(
        container=config.instance,
        snapshots=config.snapshots,
        pool=next(iter(config.pools or []), None),
        profiles=config.profiles,
        volume=None if volume is None else msgspec.structs.replace(volume, snapshots=None),
        volume_snapshots=None if volume is None else volume.snapshots,
    )


def as_version_2(config: BackupConfig) -> BackupConfig:
    """Return a document of ours, which is of version 1, in version 2."""
    volume = config.volume
    return BackupConfig(
        version=2,
        instance=config.container,
        snapshots=config.snapshots,
        pools=None if config.pool is None else [config.pool],
        profiles=config.profiles,
        volumes=None if volume is None else [msgspec.structs.replace(volume, snapshots=config.volume_snapshots)],
    )
