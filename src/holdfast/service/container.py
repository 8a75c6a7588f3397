"""Builds every service once and gives them to each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from holdfast.db import instances as instances_table
from holdfast.db.database import Database
from holdfast.host.local_zone import local_zone
from holdfast.model.clock import Clock
from holdfast.model.server_keys import REMOTE_CACHE_EXPIRY_KEY
from holdfast.runtime.base import Runtime
from holdfast.service import backup_move, backup_tests, import_replace
from holdfast.service import pools as pool_intents
from holdfast.service.autostart import Autostart
from holdfast.service.backup_files import BackupFiles
from holdfast.service.backup_move import BackupMover
from holdfast.service.backup_services import make_backup_services
from holdfast.service.backup_tests import BackupTestService
from holdfast.service.backups import BackupService
from holdfast.service.browsers import BrowserService
from holdfast.service.certificates import CertificateService
from holdfast.service.changes import ChangesService
from holdfast.service.console import ConsoleService
from holdfast.service.copies import CopyService
from holdfast.service.events import EventBus
from holdfast.service.exec import ExecService
from holdfast.service.export_streams import ExportStreams
from holdfast.service.files import FileService
from holdfast.service.former_states import FormerStates
from holdfast.service.image_build import ImageBuildService
from holdfast.service.image_services import ImageServices, make_image_services
from holdfast.service.images import ImageService
from holdfast.service.import_replace import Replacer
from holdfast.service.imports import ImportService, clear_incoming
from holdfast.service.instance_schedules import InstanceSchedules
from holdfast.service.instance_services import Migrations, make_instance_services
from holdfast.service.instances import InstanceService
from holdfast.service.intents import IntentLog
from holdfast.service.listening import ListeningAddresses
from holdfast.service.locks import Locks
from holdfast.service.logs import LogService
from holdfast.service.lost_pools import LostPools
from holdfast.service.metadata import MetadataService
from holdfast.service.metrics import MetricsService
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths, instance_key
from holdfast.service.pools import PoolService
from holdfast.service.power import PowerService
from holdfast.service.profiles import ProfileService
from holdfast.service.projects import ProjectService
from holdfast.service.protection_services import make_protection_service
from holdfast.service.protections import ProtectionService
from holdfast.service.recovery import Recovery
from holdfast.service.restore import RestoreService
from holdfast.service.retention import Retention
from holdfast.service.safety import SafetyService
from holdfast.service.schedule_preview import SchedulePreviewer
from holdfast.service.schedule_reading import ScheduleReader
from holdfast.service.schedules import Scheduler
from holdfast.service.sent_copies import SentCopyService
from holdfast.service.server_certificate import ServerCertificate, load_or_make
from holdfast.service.server_config import ServerConfigService
from holdfast.service.server_info import ServerInfo, collect
from holdfast.service.snapshots import SnapshotService
from holdfast.service.stored_backups import StoredBackupService
from holdfast.service.surroundings import Surroundings
from holdfast.service.tree_files import TreeFileService
from holdfast.service.tree_usage import UsageService
from holdfast.service.trust_tokens import TrustTokens
from holdfast.service.uploads import UploadService
from holdfast.service.volume_services import VolumeServices, make_volume_services
from holdfast.service.volume_store import VolumeStore
from holdfast.service.volume_trial import VolumeTrial
from holdfast.service.warnings import WarningService
from holdfast.storage.driver import Driver


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """One of each; what the server asks."""

    database: Database
    paths: Paths
    operations: Operations
    events: EventBus
    locks: Locks
    intents: IntentLog
    recovery: Recovery
    projects: ProjectService
    profiles: ProfileService
    pools: PoolService
    lost_pools: LostPools
    server_config: ServerConfigService
    server_info: ServerInfo
    server_certificate: ServerCertificate
    addresses: ListeningAddresses
    certificates: CertificateService
    browsers: BrowserService
    warnings: WarningService
    images: ImageService
    image_build: ImageBuildService
    backups: BackupService
    export_streams: ExportStreams
    backup_files: BackupFiles
    backup_tests: BackupTestService
    stored_backups: StoredBackupService
    imports: ImportService
    uploads: UploadService
    image_store: ImageServices
    instances: InstanceService
    power: PowerService
    autostart: Autostart
    snapshots: SnapshotService
    restore: RestoreService
    former_states: FormerStates
    copies: CopyService
    migrations: Migrations
    protections: ProtectionService
    metrics: MetricsService
    exec: ExecService
    files: FileService
    tree_files: TreeFileService
    console: ConsoleService
    logs: LogService
    metadata: MetadataService
    volumes: VolumeServices
    schedules: InstanceSchedules
    retention: Retention
    scheduler: Scheduler
    schedule_reader: ScheduleReader
    schedule_previewer: SchedulePreviewer
    safety: SafetyService
    changes: ChangesService
    usage: UsageService
    sent_copies: SentCopyService

    def prune_images(self) -> None:
        """Delete images that were fetched for instances and aren't used any more."""
        self.images.prune_cached(int(self.server_config.get(REMOTE_CACHE_EXPIRY_KEY)))

    def clear_leftovers(self) -> None:
        """Remove what a crash left without intent: staged image files, uploads, former states. After recovery only."""
        self.former_states.discard_leftovers()
        self.migrations.bases.discard_leftovers()
        self.image_store.discard_leftovers()
        clear_incoming(self.paths.incoming)
        self.backup_files.clear_incoming()
        self.uploads.load()

    def instance_keys(self) -> list[str]:
        """Return the runtime's name of every instance."""
        with self.database.read() as connection:
            return [instance_key(each.project, each.name) for each in instances_table.list_all(connection, None)]


def build_services(
    *,
    paths: Paths,
    database: Database,
    events: EventBus,
    runtime: Runtime,
    drivers: Mapping[str, type[Driver]],
    clock: Clock,
    zone: Callable[[], tzinfo] = lambda: local_zone(os.environ),
) -> Services:
    """Build the services on a migrated database. Nothing runs yet: the daemon recovers and activates first."""
    operations = Operations(events, clock=clock)
    locks = Locks()
    intents = IntentLog(database, clock)
    pools = PoolService(
        database=database, paths=paths, drivers=drivers, locks=locks, intents=intents, events=events, clock=clock
    )
    recovery = Recovery(intents, pools)
    locks.settler = recovery
    recovery.register(pool_intents.CREATE_INTENT, pools.undo_create)
    recovery.register(pool_intents.DELETE_INTENT, pools.finish_delete)
    image_services = make_image_services(
        database=database,
        paths=paths,
        pools=pools,
        runtime=runtime,
        locks=locks,
        intents=intents,
        recovery=recovery,
        operations=operations,
        events=events,
        clock=clock,
    )
    profiles = ProfileService(database=database, locks=locks, events=events)
    server_config = ServerConfigService(database=database, events=events)
    surroundings = Surroundings(
        database=database,
        paths=paths,
        pools=pools,
        profiles=profiles,
        runtime=runtime,
        locks=locks,
        intents=intents,
        operations=operations,
        events=events,
        clock=clock,
    )
    backup_services = make_backup_services(surroundings, server_config=server_config, recovery=recovery)
    warnings = WarningService(database=database, events=events, clock=clock)
    instance_services = make_instance_services(
        surroundings,
        images=image_services.images,
        backup_files=backup_services.files,
        recovery=recovery,
        zone=zone,
        warnings=warnings,
    )
    volume_services = make_volume_services(
        surroundings, instances=instance_services, backup_files=backup_services.files, recovery=recovery
    )
    tests = BackupTestService(
        surroundings,
        imports=backup_services.imports,
        power=instance_services.power,
        execs=instance_services.exec,
        remover=instance_services.deleter,
        volume_remover=volume_services.volumes,
        volumes=VolumeTrial(VolumeStore(surroundings), volume_services.imports),
    )
    recovery.register(backup_tests.INTENT_KIND, tests.undo)
    own_certificate, addresses = load_or_make(paths), ListeningAddresses(server_config)
    protections = make_protection_service(
        surroundings, instances=instance_services, certificate=own_certificate, zone=zone, warnings=warnings
    )
    mover = BackupMover(surroundings, backup_services.files.place)
    server_config.mover = mover
    recovery.register(backup_move.INTENT_KIND, mover.finish)
    certificates = CertificateService(
        database=database,
        server_config=server_config,
        events=events,
        clock=clock,
        tokens=TrustTokens(operations, clock),
        own=own_certificate,
        addresses=addresses,
    )
    replacer = Replacer(
        surroundings, instance_services.power, instance_services.former_states, backup_services.attached
    )
    backup_services.imports.replacer = replacer
    recovery.register(import_replace.INTENT_KIND, replacer.finish, locked=import_replace.locks_of_replacement)
    return Services(
        database=database,
        paths=paths,
        operations=operations,
        events=events,
        locks=locks,
        intents=intents,
        recovery=recovery,
        projects=ProjectService(database=database, locks=locks, events=events),
        profiles=profiles,
        pools=pools,
        lost_pools=LostPools(VolumeStore(surroundings), recovery),
        server_config=server_config,
        server_info=collect(own_certificate),
        server_certificate=own_certificate,
        addresses=addresses,
        certificates=certificates,
        browsers=BrowserService(database=database, certificates=certificates, events=events, clock=clock),
        warnings=warnings,
        images=image_services.images,
        image_build=image_services.image_build,
        backups=backup_services.backups,
        export_streams=backup_services.streams,
        backup_files=backup_services.files,
        backup_tests=tests,
        stored_backups=StoredBackupService(backup_services.backups, backup_services.files, operations),
        imports=backup_services.imports,
        uploads=UploadService(paths=paths, clock=clock),
        image_store=image_services,
        instances=instance_services.instances,
        power=instance_services.power,
        autostart=instance_services.autostart,
        snapshots=instance_services.snapshots,
        restore=instance_services.restore,
        former_states=instance_services.former_states,
        copies=instance_services.copies,
        migrations=instance_services.migrations,
        protections=protections,
        metrics=MetricsService(surroundings, protections),
        exec=instance_services.exec,
        files=instance_services.files,
        tree_files=TreeFileService(surroundings, VolumeStore(surroundings)),
        console=instance_services.console,
        logs=instance_services.logs,
        metadata=instance_services.metadata,
        volumes=volume_services,
        schedules=instance_services.schedules,
        retention=instance_services.retention,
        scheduler=instance_services.scheduler,
        schedule_reader=instance_services.schedule_reader,
        schedule_previewer=SchedulePreviewer(instance_services.retention, database=database, clock=clock, zone=zone),
        safety=SafetyService(database),
        changes=ChangesService(surroundings, VolumeStore(surroundings)),
        usage=UsageService(surroundings, VolumeStore(surroundings)),
        sent_copies=SentCopyService(surroundings),
    )
