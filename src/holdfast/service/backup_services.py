"""Builds what exports and imports, and tells recovery how to end what a crash left of them."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.service import backups, export_streams, imports
from holdfast.service.backup_files import BackupFiles
from holdfast.service.backup_owners import locks_of_intent
from holdfast.service.backup_place import BackupPlace
from holdfast.service.backups import BackupService
from holdfast.service.events import EventBus
from holdfast.service.export_scene import ExportScenes
from holdfast.service.export_streams import ExportStreams
from holdfast.service.imports import ImportService
from holdfast.service.intents import IntentLog
from holdfast.service.locks import Locks
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths
from holdfast.service.pools import PoolService
from holdfast.service.profiles import ProfileService
from holdfast.service.recovery import Recovery
from holdfast.service.server_config import ServerConfigService


@dataclass(frozen=True, slots=True)
class BackupServices:
    """The services, and the files that follow an instance when it is renamed or deleted."""

    backups: BackupService
    streams: ExportStreams
    imports: ImportService
    files: BackupFiles


def make_backup_services(
    *,
    database: Database,
    paths: Paths,
    pools: PoolService,
    profiles: ProfileService,
    server_config: ServerConfigService,
    locks: Locks,
    intents: IntentLog,
    recovery: Recovery,
    operations: Operations,
    events: EventBus,
    clock: Clock,
) -> BackupServices:
    """Build them, and register their handlers."""
    files = BackupFiles(BackupPlace(database=database, paths=paths, pools=pools))
    scenes = ExportScenes(database=database, pools=pools, profiles=profiles, locks=locks)
    backup_service = BackupService(
        database=database,
        files=files,
        scenes=scenes,
        server_config=server_config,
        locks=locks,
        intents=intents,
        operations=operations,
        events=events,
        clock=clock,
    )
    streams = ExportStreams(
        database=database,
        scenes=scenes,
        server_config=server_config,
        intents=intents,
        operations=operations,
        clock=clock,
    )
    import_service = ImportService(
        database=database,
        pools=pools,
        profiles=profiles,
        locks=locks,
        intents=intents,
        operations=operations,
        events=events,
    )
    recovery.register(backups.CREATE_INTENT, backup_service.undo_create)
    recovery.register(export_streams.STREAM_INTENT, streams.undo)
    recovery.register(backups.RENAME_INTENT, backup_service.undo_rename, locked=locks_of_intent)
    recovery.register(backups.DELETE_INTENT, backup_service.finish_delete, locked=locks_of_intent)
    recovery.register(imports.INTENT_KIND, import_service.undo, held=("name",))
    return BackupServices(backup_service, streams, import_service, files)
