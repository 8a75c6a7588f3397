"""A custom volume with its snapshots as an export describes it: from our objects to the documents, and back.

As for instances (`definition.py`): reading returns what the file claims, with names checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from holdfast.archive.document_values import pool_entry, strings, text_of, time_of
from holdfast.archive.layout import Layout
from holdfast.archive.metadata_versions import as_version_1, as_version_2
from holdfast.archive.own_keys import (
    spelled_for_lxd,
    spelled_for_us,
    volume_snapshot_config,
    volume_snapshot_with_own_facts,
)
from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.kinds import ContentType, VolumeType
from holdfast.model.names import check_snapshot_name
from holdfast.model.storage import Pool
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY
from holdfast.wire.backup_index import BackupConfig, VolumeEntry, VolumeSnapshotEntry

IDMAP_KEY: Final = "volatile.idmap.last"
"""Says in which map the owners of the files are; nothing, or an empty list, says that they are those seen inside."""
IDMAP_KEYS: Final = frozenset({IDMAP_KEY, "volatile.idmap.next"})


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeDefinition:
    """All that an export of a volume says besides the trees. `snapshots` are oldest first."""

    volume: CustomVolume
    snapshots: tuple[VolumeSnapshot, ...] = ()


def layout_of(volume: CustomVolume) -> Layout:
    """Return how files of this volume are laid out."""
    return Layout.FILES if volume.content_type is ContentType.FILESYSTEM else Layout.DISK


def to_volume_config(
    definition: VolumeDefinition, pool: Pool, version: int = 1, *, is_attached: bool = False
) -> BackupConfig:
    """Return the document. Only version 2 names the pool, and the identities of volume and snapshots.

    Those are told of an attached volume in any case: snapshots of the instance name them.
    """
    untold = IDMAP_KEYS if version > 1 or is_attached else {UUID_KEY, *IDMAP_KEYS}
    volume = definition.volume
    config = BackupConfig(
        pool=None if version == 1 else pool_entry(pool),
        volume=VolumeEntry(
            config=_told(spelled_for_lxd(volume.config), untold),
            description=volume.description,
            name=volume.name,
            type=VolumeType.CUSTOM.value,
            used_by=[],
            location="none",
            content_type=volume.content_type.value,
            project=volume.project,
            created_at=text_of(volume.created_at),
        ),
        volume_snapshots=[
            VolumeSnapshotEntry(
                description=snapshot.description,
                expires_at=text_of(snapshot.expires_at),
                name=snapshot.name,
                config=_told(volume_snapshot_config(snapshot), untold),
                content_type=volume.content_type.value,
                created_at=text_of(snapshot.created_at),
            )
            for snapshot in definition.snapshots
        ]
        or None,
    )
    return config if version == 1 else as_version_2(config)


def from_volume_config(config: BackupConfig, *, pool: str) -> VolumeDefinition:
    """Return what the document describes; `project` is empty, as the file's has no say here."""
    found = as_version_1(config)
    entry = found.volume
    if entry is None:
        raise ArchiveError("Valid volume config not found in index")
    if entry.type not in (None, VolumeType.CUSTOM.value):
        raise ArchiveError(f'The volume in the backup is of type "{entry.type}", not a custom one')
    created_at = time_of(entry.created_at) or datetime.now(UTC)
    volume = CustomVolume(
        project="",
        pool=pool,
        name=entry.name or "",
        content_type=_content_type(entry.content_type),
        description=entry.description or "",
        config=spelled_for_us(strings(entry.config)),
        created_at=created_at,
    )
    listed = [each for each in found.volume_snapshots or [] if each is not None]
    if any(_content_type(each.content_type) is not volume.content_type for each in listed if each.content_type):
        raise ArchiveError("Backup config gives a volume and its snapshot different content types")
    snapshots = tuple(_snapshot(each, created_at) for each in listed)
    if len({snapshot.name for snapshot in snapshots}) != len(snapshots):
        raise ArchiveError("Backup config lists a snapshot twice")
    return VolumeDefinition(volume=volume, snapshots=snapshots)


def keep_volume_snapshots(definition: VolumeDefinition, names: tuple[str, ...]) -> VolumeDefinition:
    """Return the definition with exactly these snapshots; refuse when one of them is not described."""
    described = {snapshot.name: snapshot for snapshot in definition.snapshots}
    missing = [name for name in names if name not in described]
    if missing:
        raise ArchiveError(f"Valid volume snapshot config not found in index: {', '.join(missing)}")
    return replace(definition, snapshots=tuple(described[name] for name in names))


def _told(config: Mapping[str, str], untold: Set[str]) -> dict[str, str | None]:
    return {name: value for name, value in config.items() if name not in untold}


def _content_type(text: str | None) -> ContentType:
    try:
        return ContentType(text or ContentType.FILESYSTEM)
    except ValueError:
        raise ArchiveError(f'The volume in the backup has content of an unknown type: "{(text or "")[:40]}"') from None


def _snapshot(entry: VolumeSnapshotEntry, volume_created_at: datetime) -> VolumeSnapshot:
    name = (entry.name or "").rpartition("/")[2]  # old files name them "<volume>/<snapshot>"
    try:
        check_snapshot_name(name)
    except BadRequestError as error:
        raise ArchiveError(f"Backup config lists a snapshot of a bad name: {error}") from error
    return volume_snapshot_with_own_facts(
        VolumeSnapshot(
            name=name,
            description=entry.description or "",
            config=strings(entry.config),
            created_at=time_of(entry.created_at) or volume_created_at,
            expires_at=time_of(entry.expires_at),
        )
    )
