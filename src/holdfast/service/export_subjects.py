"""What an export is of, made ready to be exported: which trees in which pool, and the content that they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from holdfast.archive.content import ExportContent
from holdfast.archive.export_index import Base
from holdfast.archive.instance_content import PlacedStream, instance_content, main_document, optimized_content
from holdfast.archive.layout import BACKUP_YAML, Layout
from holdfast.archive.volume_content import optimized_volume_content, volume_content
from holdfast.archive.volume_definition import layout_of
from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Database
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import (
    GoneProfileError,
    InstanceNotFoundError,
    ProfileNotFoundError,
    SnapshotNotFoundError,
    UnsupportedError,
    VolumeNotFoundError,
)
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.storage import Volume
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_use import attachments
from holdfast.service import project_features
from holdfast.service.export_part import ExportPart
from holdfast.service.pools import PoolService
from holdfast.service.profiles import ProfileService
from holdfast.service.surroundings import volume_of
from holdfast.service.volume_set_members import taken_with
from holdfast.service.volume_store import owner_of as backup_owner_of
from holdfast.service.volume_users import users_of
from holdfast.storage.driver import Driver


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """An instance or volume as it is now; `names` are those of the trees in the file, None the main one.

    `content` makes the file's content of the trees, `optimized` of the driver's streams; `documents` are files that go
    into the main stream.
    """

    owner: BackupOwner
    part: ExportPart
    layout: Layout
    volume: Volume
    driver: Driver
    names: tuple[str | None, ...]
    content: Callable[[Mapping[str | None, Path]], ExportContent]
    optimized: Callable[[Sequence[PlacedStream]], ExportContent]
    documents: Mapping[str, bytes] = field(default_factory=dict)
    base: Base | None = None
    """The snapshot that the first stream is a difference to."""


class ExportSubjects:
    """Looks up what exports are of."""

    def __init__(self, *, database: Database, pools: PoolService, profiles: ProfileService) -> None:
        self._database, self._pools, self._profiles = database, pools, profiles

    def place(self, owner: BackupOwner) -> tuple[Driver, Volume]:
        """Return where its trees are; raise if there is no such instance or volume."""
        if owner.is_volume:
            volume = self._custom_volume(owner)
            return self._pools.driver(volume.pool), volume.address
        instance = self._instance(owner)
        return self._pools.driver(instance.pool), volume_of(instance)

    def require(self, owner: BackupOwner) -> None:
        """Raise if there is no such instance or volume."""
        if owner.is_volume:
            self._custom_volume(owner)
        else:
            self._instance(owner)

    def find(self, owner: BackupOwner, part: ExportPart) -> Subject:
        """Return what there is to export; raise if it, or the wanted snapshot of it, isn't there."""
        return self._volume_subject(owner, part) if owner.is_volume else self._instance_subject(owner, part)

    def find_attached(self, owner: BackupOwner, part: ExportPart) -> list[Subject]:
        """Return the volumes that are exported with an instance, in the order of pools and names.

        Those of a snapshot are the ones that were taken with it; devices that show nothing are passed over.
        """
        instance = self._instance(owner)
        with self._database.read() as connection:
            home = project_features.home(connection, instance.project, project_features.VOLUMES)
            if part.snapshot:
                snapshot = snapshots_table.get(connection, owner.project, owner.name, part.snapshot)
                if snapshot is None:
                    raise SnapshotNotFoundError(owner.project, owner.name, part.snapshot)
                members = taken_with(connection, home, instance, snapshot, remedy="export it without its volumes")
                found = [(each.volume, each.snapshot.name) for each in members]
            else:
                profiles = self._profiles.for_instance(instance.project, instance.profiles)
                shown = {(each.pool, each.name) for each in attachments(expand_devices(profiles, instance.devices))}
                volumes = [volumes_table.get(connection, pool, home, name) for pool, name in sorted(shown)]
                found = [(volume, "") for volume in volumes if volume is not None]
        return [
            self._volume_subject(backup_owner_of(volume), part.for_volume(snapshot_name), is_attached=True)
            for volume, snapshot_name in found
        ]

    def _instance(self, owner: BackupOwner) -> Instance:
        with self._database.read() as connection:
            found = instances_table.get(connection, owner.project, owner.name)
        if found is None:
            raise InstanceNotFoundError(owner.name)
        return found

    def _custom_volume(self, owner: BackupOwner) -> CustomVolume:
        self._pools.get(owner.pool)
        with self._database.read() as connection:
            found = volumes_table.get(connection, owner.pool, owner.project, owner.name)
        if found is None:
            raise VolumeNotFoundError(owner.pool, owner.name)
        return found

    def _instance_subject(self, owner: BackupOwner, part: ExportPart) -> Subject:
        instance = self._instance(owner)
        with self._database.read() as connection:
            snapshots = snapshots_table.list_for(connection, owner.project, owner.name)
        definition = part.definition(instance, snapshots)
        try:
            profiles = self._profiles.for_instance(owner.project, definition.instance.profiles)
        except ProfileNotFoundError as error:
            what = f"Snapshot {owner.name}/{part.snapshot}" if part.snapshot else f"Instance {owner.name}"
            raise GoneProfileError(what, error.name, "then export") from error
        definition = replace(definition, profiles=tuple(profiles))
        driver = self._pools.driver(instance.pool)
        names = (*(snapshot.name for snapshot in definition.snapshots), None)
        base = _base(instance, snapshots, driver, part.since, names[0]) if part.since else None
        return Subject(
            owner=owner,
            part=part,
            layout=Layout.INSTANCE,
            volume=volume_of(instance),
            driver=driver,
            names=names,
            content=lambda trees: part.content(instance_content(definition, driver.pool, trees, version=part.version)),
            optimized=partial(
                optimized_content,
                definition,
                driver.pool,
                version=part.version,
                has_header=driver.features.has_parts,
            ),
            documents={BACKUP_YAML: main_document(definition, driver.pool)},
            base=base,
        )

    def _volume_subject(self, owner: BackupOwner, part: ExportPart, *, is_attached: bool = False) -> Subject:
        volume = self._custom_volume(owner)
        with self._database.read() as connection:
            users_of(connection, volume).refuse_server("Volumes used by the server itself cannot be exported")
            snapshots = volume_snapshots_table.list_for(connection, volume)
        definition = part.volume_definition(volume, snapshots)
        driver = self._pools.driver(volume.pool)
        return Subject(
            owner=owner,
            part=part,
            layout=layout_of(volume),
            volume=volume.address,
            driver=driver,
            names=(*(snapshot.name for snapshot in definition.snapshots), None),
            content=lambda trees: part.content(
                volume_content(definition, driver.pool, trees, version=part.version, is_attached=is_attached)
            ),
            optimized=partial(
                optimized_volume_content,
                definition,
                driver.pool,
                version=part.version,
                has_header=driver.features.has_parts,
                is_attached=is_attached,
            ),
        )


def _base(instance: Instance, snapshots: Sequence[Snapshot], driver: Driver, name: str, newer: str | None) -> Base:
    """Return what a difference builds on, that `newer` is the first to have; raise where there can be none."""
    if not driver.features.has_btrfs_streams:
        raise UnsupportedError(
            f'{instance.name} is in the pool "{driver.pool.name}" of the driver "{driver.name}": '
            "only a btrfs pool tells the difference to a snapshot. Export it whole"
        )
    identity = driver.sent_identity(volume_of(instance), name)
    if identity is None:
        raise UnsupportedError(
            f"Snapshot {instance.name}/{name} has subvolumes inside: no difference can build on it. Export it whole"
        )
    if not driver.is_difference_to(volume_of(instance), newer, name):
        raise UnsupportedError(
            f"Snapshot {instance.name}/{name} was written apart from what came after it, by an import or a copy from "
            "another kind of storage: btrfs knows no difference. Export it whole, or since a snapshot taken here"
        )
    found = next(each for each in snapshots if each.name == name)
    return Base(snapshot=name, identity=identity, created_at=found.created_at)
