"""Builds the services of custom volumes, and tells recovery how to end what a crash left of their work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.service import (
    volume_building,
    volume_migration_source,
    volume_move,
    volume_refresh,
    volume_rename,
    volume_restore,
    volume_set,
    volume_set_restore,
    volume_snapshots,
    volumes,
)
from holdfast.service.backup_files import BackupFiles
from holdfast.service.instance_services import InstanceServices
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock
from holdfast.service.recovery import Recovery
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_building import VolumeBuilder
from holdfast.service.volume_content import VolumeContent
from holdfast.service.volume_copies import VolumeCopyService
from holdfast.service.volume_imports import VolumeImportService
from holdfast.service.volume_migration_sink import VolumeMigrationSink
from holdfast.service.volume_migration_source import VolumeMigrationSource
from holdfast.service.volume_move import VolumeMover
from holdfast.service.volume_refresh import VolumeRefresher
from holdfast.service.volume_rename import VolumeRenamer
from holdfast.service.volume_restore import VolumeRestorer
from holdfast.service.volume_schedules import VolumeSchedules
from holdfast.service.volume_set import VolumeSetService
from holdfast.service.volume_set_holds import VolumeSetHolds
from holdfast.service.volume_set_restore import VolumeSetRestorer
from holdfast.service.volume_snapshots import VolumeSnapshotService
from holdfast.service.volume_store import VolumeStore
from holdfast.service.volumes import VolumeService


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeServices:
    """What works with custom volumes."""

    volumes: VolumeService
    imports: VolumeImportService
    snapshots: VolumeSnapshotService
    schedules: VolumeSchedules
    copies: VolumeCopyService
    renamer: VolumeRenamer
    mover: VolumeMover
    restorer: VolumeRestorer
    sets: VolumeSetService
    set_holds: VolumeSetHolds
    set_restorer: VolumeSetRestorer
    source: VolumeMigrationSource
    sink: VolumeMigrationSink


def make_volume_services(
    surroundings: Surroundings, *, instances: InstanceServices, backup_files: BackupFiles, recovery: Recovery
) -> VolumeServices:
    """Build them, and register their handlers."""
    store, bases = VolumeStore(surroundings), instances.migrations.bases
    builder = VolumeBuilder(store)
    content = VolumeContent(store)
    refresher = VolumeRefresher(store, content)
    snapshots = VolumeSnapshotService(store)
    found = VolumeServices(
        volumes=VolumeService(store, builder, backup_files, bases),
        imports=VolumeImportService(store, builder),
        snapshots=snapshots,
        schedules=VolumeSchedules(store, snapshots),
        copies=VolumeCopyService(store, builder=builder, content=content, refresher=refresher),
        renamer=VolumeRenamer(store, backup_files),
        source=VolumeMigrationSource(store, bases),
        sink=VolumeMigrationSink(store, builder, refresher, bases),
        mover=VolumeMover(store, content, backup_files, bases),
        restorer=VolumeRestorer(store),
        sets=VolumeSetService(store, instances.snapshots, snapshots),
        set_holds=VolumeSetHolds(store, instances.snapshots),
        set_restorer=VolumeSetRestorer(store, instances.restore, instances.power, instances.former_states),
    )
    instances.scheduler.follow(found.schedules)
    instances.schedule_reader.follow(found.schedules)
    recovery.register(volume_migration_source.INTENT_KIND, found.source.finish)
    recovery.register(volume_building.INTENT_KIND, builder.undo, locked=_on("pool", "project", "volume"))
    recovery.register(volumes.UPDATE_INTENT, found.volumes.undo_update, locked=_on("pool", "project", "volume"))
    recovery.register(volumes.DELETE_INTENT, found.volumes.finish_delete, locked=_on("pool", "project", "volume"))
    recovery.register(volume_restore.INTENT_KIND, found.restorer.finish, locked=_on("pool", "project", "volume"))
    recovery.register(volume_refresh.INTENT_KIND, refresher.finish, locked=_on("pool", "project", "volume"))
    recovery.register(
        volume_rename.INTENT_KIND,
        found.renamer.undo,
        locked=_both(_on("pool", "project", "volume"), _on("pool", "project", "new_name")),
    )
    recovery.register(
        volume_move.INTENT_KIND,
        found.mover.finish,
        locked=_both(_on("pool", "project", "volume"), _on("to_pool", "to_project", "to_name")),
    )
    for kind, handler in (
        (volume_snapshots.CREATE_INTENT, found.snapshots.undo_create),
        (volume_snapshots.DELETE_INTENT, found.snapshots.finish_delete),
        (volume_snapshots.RENAME_INTENT, found.snapshots.undo_rename),
    ):
        recovery.register(kind, handler, locked=_on("pool", "project", "volume"))
    recovery.register(volume_set.INTENT_KIND, found.sets.undo, locked=volume_set.locks_of_set)
    recovery.register(volume_set_restore.INTENT_KIND, found.set_restorer.finish, locked=volume_set.locks_of_set)
    return found


def _on(pool: str, project: str, name: str) -> Callable[[Intent], Sequence[str]]:
    """Tell the lock of the volume that these keys of the payload name."""
    return lambda intent: [custom_volume_lock(intent.text(pool), intent.text(project), intent.text(name))]


def _both(
    one: Callable[[Intent], Sequence[str]], other: Callable[[Intent], Sequence[str]]
) -> Callable[[Intent], Sequence[str]]:
    return lambda intent: [*one(intent), *other(intent)]
