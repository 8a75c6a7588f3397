"""What `index.yaml` of an export says: the one source of truth about the file, read before anything else of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from holdfast.archive.definition import Definition, from_config
from holdfast.archive.document_values import time_of
from holdfast.archive.layout import Layout
from holdfast.archive.volume_definition import (
    VolumeDefinition,
    from_volume_config,
    keep_volume_snapshots,
    layout_of,
)
from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.kinds import InstanceType, VolumeType
from holdfast.model.names import check_snapshot_name
from holdfast.wire.backup_index import BackupConfig, BackupIndex, BaseEntry, IndexFormatError, PartIndex, parse_index

INCREMENTAL: Final = "incremental"
"""The type of files with a difference: other programs must not take one for an instance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """The snapshot that a difference builds on; `identity` is the one that it has in streams of the driver."""

    snapshot: str
    identity: str
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportIndex:
    """What `index.yaml` says: `type` is the file's word ("container", "custom", …).

    Old files have no `definition`; a file of a custom volume has `volume` instead.
    """

    name: str
    backend: str
    pool: str
    type: str
    is_optimized: bool
    snapshots: tuple[str, ...]
    definition: Definition | None
    volume: VolumeDefinition | None = None
    project: str = ""
    """Where it came from; nothing but a fact to be shown."""
    attached: tuple[ExportIndex, ...] = ()
    """The volumes that an instance's file holds beside it, each as the index of its own file would say it."""
    base: Base | None = None
    """What an incremental file is the difference to."""

    @property
    def parts(self) -> tuple[ExportIndex, ...]:
        """Return what the file holds, in its order: the instance or volume, then what is attached."""
        return (self, *self.attached)

    @property
    def layout(self) -> Layout:
        """Return where the trees of such a file are."""
        return Layout.INSTANCE if self.volume is None else layout_of(self.volume.volume)


def index_of(document: bytes) -> ExportIndex:
    """Read the document; raise `ArchiveError` for what it can't say."""
    try:
        index = parse_index(document)
    except IndexFormatError as error:
        raise ArchiveError(f"index.yaml is not valid: {error}") from error
    if index.base is None:
        return replace(_read(index), attached=_attached(index))
    if index.type != INCREMENTAL or index.attached_volumes or not index.optimized or index.config is None:
        raise ArchiveError("index.yaml names a base for what can't have one")
    index.type = InstanceType.CONTAINER.value
    return replace(_read(index), base=_base(index.base))


def _base(entry: BaseEntry) -> Base:
    try:
        identity = str(uuid.UUID(entry.uuid or ""))
    except ValueError:
        raise ArchiveError("index.yaml names a base without an identity") from None
    return Base(snapshot=_bare(entry.snapshot), identity=identity, created_at=time_of(entry.created_at))


def _attached(index: BackupIndex) -> tuple[ExportIndex, ...]:
    listed = index.attached_volumes or []
    if listed and index.type == VolumeType.CUSTOM.value:
        raise ArchiveError("index.yaml of a volume lists attached volumes")
    found = []
    for entry in listed:
        if entry is None or entry.type != VolumeType.CUSTOM.value:
            raise ArchiveError("index.yaml lists an attached volume that is none")
        found.append(_read(entry))
    if len({(each.pool, each.name) for each in found}) != len(found):
        raise ArchiveError("index.yaml lists an attached volume twice")
    return tuple(found)


def _read(index: PartIndex) -> ExportIndex:
    if not index.name:
        raise ArchiveError("index.yaml names no instance or volume")
    snapshots = tuple(_bare(name) for name in index.snapshots or [])
    if len(set(snapshots)) != len(snapshots):
        raise ArchiveError("index.yaml lists a snapshot twice")
    definition = volume = None
    if index.type == VolumeType.CUSTOM.value:
        volume = _volume(index, snapshots)
    elif index.config is not None:
        definition = from_config(index.config, pool=index.pool or "")
        if definition.instance.name != index.name:
            raise ArchiveError("index.yaml gives the instance two names")
        if definition.instance.type.value != (index.type or "container"):
            raise ArchiveError("index.yaml gives the instance two types")
        definition = keep_snapshots(definition, snapshots)
    return ExportIndex(
        name=index.name,
        backend=index.backend or "",
        pool=index.pool or "",
        type=index.type or "container",
        is_optimized=bool(index.optimized),
        snapshots=snapshots,
        definition=definition,
        volume=volume,
        project=_project(index.config),
    )


def _volume(index: PartIndex, snapshots: tuple[str, ...]) -> VolumeDefinition:
    if index.config is None:
        raise ArchiveError("Valid volume config not found in index")
    definition = from_volume_config(index.config, pool=index.pool or "")
    if definition.volume.name != index.name:
        raise ArchiveError("index.yaml gives the volume two names")
    return keep_volume_snapshots(definition, snapshots)


def _project(config: BackupConfig | None) -> str:
    if config is None:
        return ""
    entry = config.container or config.instance or config.volume or next(iter(config.volumes or []), None)
    return (entry.project if entry else None) or ""


def keep_snapshots(definition: Definition, names: tuple[str, ...]) -> Definition:
    """Return the definition with exactly these snapshots; refuse when one of them is not described."""
    described = {snapshot.name: snapshot for snapshot in definition.snapshots}
    missing = [name for name in names if name not in described]
    if missing:
        raise ArchiveError(f"Backup config does not describe the snapshots: {', '.join(missing)}")
    kept = tuple(described[name] for name in names)
    return Definition(instance=definition.instance, snapshots=kept, profiles=definition.profiles)


def _bare(name: str | None) -> str:
    try:
        return check_snapshot_name(name or "")
    except BadRequestError as error:
        raise ArchiveError(f"index.yaml lists a snapshot of a bad name: {error}") from error
