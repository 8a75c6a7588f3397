"""Builds what exports and imports, and tells recovery how to end what a crash left of them."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.service import backups, export_streams, imports
from holdfast.service.attached_volumes import AttachedVolumes
from holdfast.service.backup_files import BackupFiles
from holdfast.service.backup_owners import locks_of_intent
from holdfast.service.backup_place import BackupPlace
from holdfast.service.backups import BackupService
from holdfast.service.export_scene import ExportScenes
from holdfast.service.export_streams import ExportStreams
from holdfast.service.imports import ImportService
from holdfast.service.recovery import Recovery
from holdfast.service.server_config import ServerConfigService
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore


@dataclass(frozen=True, slots=True)
class BackupServices:
    """The services, and the files that follow an instance when it is renamed or deleted."""

    backups: BackupService
    streams: ExportStreams
    imports: ImportService
    attached: AttachedVolumes
    files: BackupFiles


def make_backup_services(
    surroundings: Surroundings, *, server_config: ServerConfigService, recovery: Recovery
) -> BackupServices:
    """Build them, and register their handlers."""
    database, pools = surroundings.database, surroundings.pools
    files = BackupFiles(BackupPlace(database=database, paths=surroundings.paths, pools=pools))
    scenes = ExportScenes(surroundings)
    backup_service = BackupService(
        database=database,
        files=files,
        scenes=scenes,
        server_config=server_config,
        locks=surroundings.locks,
        intents=surroundings.intents,
        operations=surroundings.operations,
        events=surroundings.events,
        clock=surroundings.clock,
    )
    streams = ExportStreams(
        database=database,
        scenes=scenes,
        server_config=server_config,
        intents=surroundings.intents,
        operations=surroundings.operations,
        clock=surroundings.clock,
    )
    attached = AttachedVolumes(VolumeStore(surroundings))
    import_service = ImportService(surroundings, attached)
    recovery.register(backups.CREATE_INTENT, backup_service.undo_create)
    recovery.register(export_streams.STREAM_INTENT, streams.undo)
    recovery.register(backups.RENAME_INTENT, backup_service.undo_rename, locked=locks_of_intent)
    recovery.register(backups.DELETE_INTENT, backup_service.finish_delete, locked=locks_of_intent)
    recovery.register(imports.INTENT_KIND, import_service.undo, locked=imports.locks_of_import)
    return BackupServices(backup_service, streams, import_service, attached, files)
