"""Builds the services of instances, and tells recovery how to end what a crash left of their work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from holdfast.service import (
    delete,
    instance_building,
    migration_source,
    move,
    refresh,
    rename,
    restore,
    shift,
    snapshots,
)
from holdfast.service.autostart import Autostart
from holdfast.service.backup_files import BackupFiles
from holdfast.service.console import ConsoleService
from holdfast.service.copies import CopyService
from holdfast.service.copy_content import ContentCopy
from holdfast.service.create import Creator
from holdfast.service.delete import Deleter
from holdfast.service.exec import ExecService
from holdfast.service.files import FileService
from holdfast.service.former_states import FormerStates
from holdfast.service.images import ImageService
from holdfast.service.instance_building import Builder
from holdfast.service.instance_reading import InstanceReader
from holdfast.service.instance_schedules import InstanceSchedules
from holdfast.service.instances import InstanceService
from holdfast.service.live_limits import LiveLimits
from holdfast.service.live_mounts import LiveMounts
from holdfast.service.logs import LogService
from holdfast.service.metadata import MetadataService
from holdfast.service.migration_sink import MigrationSink
from holdfast.service.migration_source import MigrationSource
from holdfast.service.move import Mover
from holdfast.service.power import PowerService
from holdfast.service.project_move import ProjectMoves
from holdfast.service.recovery import Recovery
from holdfast.service.refresh import Refresher
from holdfast.service.rename import Renamer
from holdfast.service.restore import RestoreService
from holdfast.service.retention import Retention
from holdfast.service.schedule_reading import ScheduleReader
from holdfast.service.scheduled import Warnings
from holdfast.service.schedules import Scheduler
from holdfast.service.shift import Shifter
from holdfast.service.snapshots import SnapshotService
from holdfast.service.start import Starter
from holdfast.service.startup_snapshots import StartupSnapshots
from holdfast.service.surroundings import Surroundings
from holdfast.service.transfer_bases import TransferBases
from holdfast.service.update import Updater
from holdfast.service.waiting_starts import WaitingStarts

_ONE: Final = ("instance",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Migrations:
    """Both sides of transfers between servers."""

    source: MigrationSource
    sink: MigrationSink
    bases: TransferBases


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceServices:
    """What the server asks about instances."""

    instances: InstanceService
    power: PowerService
    autostart: Autostart
    snapshots: SnapshotService
    restore: RestoreService
    former_states: FormerStates
    copies: CopyService
    exec: ExecService
    files: FileService
    console: ConsoleService
    logs: LogService
    metadata: MetadataService
    schedules: InstanceSchedules
    retention: Retention
    scheduler: Scheduler
    schedule_reader: ScheduleReader
    deleter: Deleter
    updater: Updater
    migrations: Migrations


def make_instance_services(
    surroundings: Surroundings,
    *,
    images: ImageService,
    backup_files: BackupFiles,
    recovery: Recovery,
    zone: Callable[[], tzinfo],
    warnings: Warnings,
) -> InstanceServices:
    """Build them, and register their handlers."""
    reader = InstanceReader(surroundings)
    shifter = Shifter(surroundings)
    starter = Starter(surroundings, shifter)
    former_states = FormerStates(surroundings)
    bases = TransferBases(surroundings)
    deleter = Deleter(surroundings, backup_files, former_states, bases)
    renamer = Renamer(surroundings, backup_files)
    snapshot_service = SnapshotService(surroundings, reader, bases)
    schedules = InstanceSchedules(surroundings, reader, snapshot_service)
    retention = Retention(
        database=surroundings.database, operations=surroundings.operations, clock=surroundings.clock, zone=zone
    )
    scheduler = Scheduler(
        (schedules,),
        retention,
        database=surroundings.database,
        clock=surroundings.clock,
        zone=zone,
        warnings=warnings,
    )
    waiting = WaitingStarts()
    startup = StartupSnapshots(surroundings, schedules, scheduler)
    power = PowerService(surroundings, starter, deleter, startup, waiting)
    restore_service = RestoreService(surroundings, power, former_states)
    builder = Builder(surroundings)
    creator = Creator(surroundings, builder, images, power)
    content = ContentCopy(surroundings)
    refresher = Refresher(surroundings, content)
    projects = ProjectMoves(surroundings, former_states)
    mover = Mover(surroundings, content, renamer, projects, snapshot_service, former_states, bases)
    copies = CopyService(surroundings, builder=builder, content=content, refresher=refresher, mover=mover, power=power)
    migrations = Migrations(
        source=MigrationSource(surroundings, bases),
        sink=MigrationSink(surroundings, builder, refresher, snapshot_service, bases),
        bases=bases,
    )
    limits = LiveLimits(surroundings)
    mounts = LiveMounts(surroundings)
    updater = Updater(surroundings, limits, mounts)
    surroundings.profiles.on_changed(limits.follow_profile)
    surroundings.profiles.on_changed(mounts.follow_profile)
    recovery.register(instance_building.INTENT_KIND, builder.undo, held=_ONE)
    recovery.register(delete.INTENT_KIND, deleter.finish, held=_ONE)
    recovery.register(rename.INTENT_KIND, renamer.undo, locked=rename.names_held)
    recovery.register(move.INTENT_KIND, mover.finish, held=_ONE)
    recovery.register(refresh.INTENT_KIND, refresher.finish, held=_ONE)
    recovery.register(shift.INTENT_KIND, shifter.finish, held=_ONE)
    recovery.register(restore.INTENT_KIND, restore_service.finish, held=_ONE)
    recovery.register(snapshots.CREATE_INTENT, snapshot_service.undo_create, held=_ONE)
    recovery.register(snapshots.DELETE_INTENT, snapshot_service.finish_delete, held=_ONE)
    recovery.register(migration_source.INTENT_KIND, migrations.source.finish)
    recovery.register(snapshots.RENAME_INTENT, snapshot_service.undo_rename, held=_ONE)
    return InstanceServices(
        instances=InstanceService(
            reader=reader,
            creator=creator,
            copies=copies,
            updater=updater,
            renamer=renamer,
            deleter=deleter,
        ),
        power=power,
        autostart=Autostart(surroundings, power, waiting),
        snapshots=snapshot_service,
        restore=restore_service,
        former_states=former_states,
        copies=copies,
        exec=ExecService(surroundings),
        files=FileService(surroundings, starter),
        console=ConsoleService(surroundings),
        logs=LogService(surroundings),
        metadata=MetadataService(surroundings),
        schedules=schedules,
        retention=retention,
        scheduler=scheduler,
        schedule_reader=ScheduleReader(
            (schedules,), retention, database=surroundings.database, clock=surroundings.clock, zone=zone
        ),
        deleter=deleter,
        updater=updater,
        migrations=migrations,
    )
