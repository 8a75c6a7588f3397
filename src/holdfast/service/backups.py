"""Server-side exports of instances: made, named, handed out, expired."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from holdfast.archive.writer import write_part
from holdfast.db import backups as backups_table
from holdfast.db import instances as instances_table
from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.model.errors import (
    BackupNotFoundError,
    BadRequestError,
    ConflictError,
    HoldfastError,
    InstanceNotFoundError,
)
from holdfast.model.instance import Backup, Instance
from holdfast.model.kinds import Compression
from holdfast.model.names import check_entity_name
from holdfast.model.operation import Operation
from holdfast.service.backup_compression import chosen_compression
from holdfast.service.backup_files import BackupFiles
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.crashpoints import reach
from holdfast.service.events import EventBus
from holdfast.service.export_part import ExportPart
from holdfast.service.export_scene import ExportScenes
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import Locks, instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.progress import RateMeter
from holdfast.service.resources import backup_resources, backup_url, instance_resources
from holdfast.service.server_config import ServerConfigService
from holdfast.streams.compression import CompressionChoice

CREATE_INTENT: Final = "backup-create"
RENAME_INTENT: Final = "backup-rename"
DELETE_INTENT: Final = "backup-delete"

_NUMBERED: Final = re.compile(r"backup([0-9]{1,9})")
_LIKELY_RATIO: Final = 10
"""A compressed export is rarely smaller than a tenth: less room than that can't do."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupRequest:
    """What to make: "" as name numbers it, "" as compression asks the project, then the server."""

    name: str = ""
    expires_at: datetime | None = None
    instance_only: bool = False
    optimized_storage: bool = False
    compression: str = ""
    snapshot: str = ""
    exclude: tuple[str, ...] = ()
    version: int = 1

    @property
    def part(self) -> ExportPart:
        return ExportPart(
            instance_only=self.instance_only,
            optimized_storage=self.optimized_storage,
            snapshot=self.snapshot,
            exclude=self.exclude,
            version=self.version,
        )


class BackupService:
    """Keeps export files beside their records; thread-safe."""

    def __init__(
        self,
        *,
        database: Database,
        files: BackupFiles,
        scenes: ExportScenes,
        server_config: ServerConfigService,
        locks: Locks,
        intents: IntentLog,
        operations: Operations,
        events: EventBus,
        clock: Clock,
    ) -> None:
        self._database, self._files, self._scenes, self._server_config = database, files, scenes, server_config
        self._locks, self._intents, self._operations = locks, intents, operations
        self._events, self._clock = events, clock
        self._naming = threading.Lock()
        self._reserved: set[tuple[str, str, str]] = set()

    # --- looking ------------------------------------------------------------------------------------------------------

    def list(self, project: str, instance: str) -> list[Backup]:
        """Return the backups of an instance, oldest first."""
        with self._database.read() as connection:
            self._instance(project, instance)
            return backups_table.list_for(connection, project, instance)

    def get(self, project: str, instance: str, name: str) -> Backup:
        self._instance(project, instance)
        return self._find(project, instance, name)

    def path(self, project: str, instance: str, name: str, caller: Caller | None = None) -> Path:
        """Return the file to hand out; with a `caller` that it was retrieved is told as an event."""
        self.get(project, instance, name)
        path = self._files.path(project, instance, name)
        if not path.is_file():
            raise BackupNotFoundError(name)
        if caller is not None:
            self._publish(caller, "retrieved", project, instance, name)
        return path

    # --- changing -----------------------------------------------------------------------------------------------------

    def create(self, caller: Caller, instance: str, request: BackupRequest) -> Operation:
        """Start an export; the operation's resources tell its name."""
        found = self._instance(caller.project, instance)
        choice = chosen_compression(self._database, self._server_config, caller.project, request.compression)
        request.part.check()
        self._scenes.check(caller.project, instance, request.part)
        if request.name:
            check_backup_name(request.name)
        name = self._reserve(caller.project, instance, request.name)
        backup = Backup(
            project=caller.project,
            instance=instance,
            name=name,
            created_at=self._clock.now().replace(microsecond=0),
            expires_at=request.expires_at,
            instance_only=request.instance_only,
            optimized_storage=request.optimized_storage and self._scenes.has_streams(found),
            compression=choice.kind.value,
        )
        is_reserved = not request.name
        return self._operations.start(
            caller,
            "Backing up instance",
            lambda handle: self._create(caller, found, backup, request.part, choice, handle, is_reserved=is_reserved),
            resources=backup_resources(caller.project, instance, name),
            may_cancel=True,
            if_never_begun=lambda: self._give_back(backup) if is_reserved else None,
        )

    def rename(self, caller: Caller, instance: str, name: str, new_name: str) -> Operation:
        self.get(caller.project, instance, name)
        check_backup_name(new_name)

        def work(_handle: OperationHandle) -> None:
            with (
                self._files.place.using(),
                self._locks.hold(instance_lock(caller.project, instance), what="backup rename"),
            ):
                self._rename(self._find(caller.project, instance, name), new_name)
            self._publish(caller, "renamed", caller.project, instance, new_name, old_name=f"{instance}/{name}")

        resources = instance_resources(caller.project, instance)
        return self._operations.start(caller, "Renaming instance backup", work, resources=resources)

    def delete(self, caller: Caller, instance: str, name: str) -> Operation:
        self.get(caller.project, instance, name)

        def work(_handle: OperationHandle) -> None:
            self._delete(caller, self._find(caller.project, instance, name))

        resources = instance_resources(caller.project, instance)
        return self._operations.start(caller, "Removing instance backup", work, resources=resources)

    def prune_expired(self) -> None:
        """Delete the backups whose time is over; one that resists stays for the next time."""
        with self._database.read() as connection:
            expired = backups_table.expired(connection, self._clock.now())
        for backup in expired:
            try:
                self._delete(INTERNAL, backup)
            except HoldfastError as error:
                _log.warning("Expired backup %s/%s could not be removed: %s", backup.instance, backup.name, error)

    # --- after a crash ------------------------------------------------------------------------------------------------

    def undo_create(self, intent: Intent) -> None:
        """Remove what an unfinished export left; its staged trees go with all that belong to no intent."""
        project, instance, name = intent.text("project"), intent.text("instance"), intent.text("backup")
        if not self._is_recorded(project, instance, name):
            self._files.discard(self._files.path(project, instance, name))
        self._files.discard(self._files.part(intent.id))
        self._intents.close(intent)

    def undo_rename(self, intent: Intent) -> None:
        """Give the file back the name that its record has."""
        project, instance = intent.text("project"), intent.text("instance")
        old, new = intent.text("backup"), intent.text("new_name")
        if self._is_recorded(project, instance, old) and not self._is_recorded(project, instance, new):
            source = self._files.path(project, instance, new)
            self._files.rename(source, self._files.path(project, instance, old))
        self._intents.close(intent)

    def finish_delete(self, intent: Intent) -> None:
        project, instance, name = intent.text("project"), intent.text("instance"), intent.text("backup")
        part = self._files.part(intent.id)
        self._files.withdraw(self._files.path(project, instance, name), part)
        with self._database.write() as connection:
            backups_table.delete(connection, project, instance, name)
            self._intents.close(intent, connection)
        self._files.discard(part)

    # --- the work -----------------------------------------------------------------------------------------------------

    def _create(
        self,
        caller: Caller,
        instance: Instance,
        backup: Backup,
        part: ExportPart,
        choice: CompressionChoice,
        handle: OperationHandle,
        *,
        is_reserved: bool,
    ) -> None:
        with self._files.place.using(), self._taking(backup, is_reserved=is_reserved):
            self._check_room(instance, choice)
            self._export(backup, part, choice, handle)
        self._publish(caller, "created", backup.project, backup.instance, backup.name)

    @contextmanager
    def _taking(self, backup: Backup, *, is_reserved: bool) -> Iterator[None]:
        """Hold the name for this one work; a name that is there, or is being made, is taken."""
        key = (backup.project, backup.instance, backup.name)
        with self._naming:
            is_taken = self._is_recorded(*key) or (key in self._reserved and not is_reserved)
            if not is_taken:
                self._reserved.add(key)
        if is_taken:
            raise ConflictError(f'Create backup: Backup "{backup.instance}/{backup.name}" already exists')
        try:
            yield
        finally:
            self._give_back(backup)

    def _give_back(self, backup: Backup) -> None:
        """Let others have the name; its record, if there is one, keeps it."""
        with self._naming:
            self._reserved.discard((backup.project, backup.instance, backup.name))

    def _check_room(self, instance: Instance, choice: CompressionChoice) -> None:
        usage_bytes = self._scenes.usage_bytes(instance) or 0
        self._files.check_room(usage_bytes if choice.kind is Compression.NONE else usage_bytes // _LIKELY_RATIO)

    def _export(self, backup: Backup, wanted: ExportPart, choice: CompressionChoice, handle: OperationHandle) -> None:
        intent = self._intents.open(
            CREATE_INTENT, {"project": backup.project, "instance": backup.instance, "backup": backup.name}
        )
        part = self._files.part(intent.id)
        try:
            reach("backup-create:intent")
            with self._scenes.scene(intent, backup.project, backup.instance, wanted) as content:
                reach("backup-create:staged")
                meter = RateMeter()
                write_part(
                    part,
                    content,
                    choice,
                    now=self._clock.now(),
                    progress=lambda done: handle.progress("create_backup_progress", f"Backup: {meter.text(done)}"),
                    cancelled=handle.is_cancelled,
                )
            reach("backup-create:synced")
            handle.set_may_cancel(may_cancel=False)
            handle.check()
            with self._locks.hold(instance_lock(backup.project, backup.instance), what="backup"):
                self._record(intent, backup, part)
        except BaseException:
            self.undo_create(intent)
            raise

    def _record(self, intent: Intent, backup: Backup, part: Path) -> None:
        """Enter the file and its record; the instance may have gone while its clones were read."""
        self._instance(backup.project, backup.instance)
        self._files.publish(part, self._files.path(backup.project, backup.instance, backup.name))
        reach("backup-create:published")
        with self._database.write() as connection:
            backups_table.insert(connection, backup)
            self._intents.close(intent, connection)
        reach("backup-create:committed")

    def _rename(self, backup: Backup, new_name: str) -> None:
        if self._is_recorded(backup.project, backup.instance, new_name):
            raise ConflictError(f'Backup "{backup.instance}/{new_name}" already exists')
        payload = {"project": backup.project, "instance": backup.instance, "backup": backup.name, "new_name": new_name}
        intent = self._intents.open(RENAME_INTENT, dict(payload))
        reach("backup-rename:intent")
        try:
            source = self._files.path(backup.project, backup.instance, backup.name)
            self._files.rename(source, self._files.path(backup.project, backup.instance, new_name))
            reach("backup-rename:renamed")
            with self._database.write() as connection:
                backups_table.rename(connection, backup.project, backup.instance, backup.name, new_name)
                self._intents.close(intent, connection)
        except BaseException:
            self.undo_rename(intent)
            raise
        reach("backup-rename:committed")

    def _delete(self, caller: Caller, backup: Backup) -> None:
        with (
            self._files.place.using(),
            self._locks.hold(instance_lock(backup.project, backup.instance), what="backup delete"),
        ):
            payload = {"project": backup.project, "instance": backup.instance, "backup": backup.name}
            intent = self._intents.open(DELETE_INTENT, dict(payload))
            reach("backup-delete:intent")
            part = self._files.part(intent.id)
            self._files.withdraw(self._files.path(backup.project, backup.instance, backup.name), part)
            reach("backup-delete:withdrawn")
            self.finish_delete(intent)
            reach("backup-delete:committed")
        self._publish(caller, "deleted", backup.project, backup.instance, backup.name)

    # --- small questions ----------------------------------------------------------------------------------------------

    def _instance(self, project: str, name: str) -> Instance:
        with self._database.read() as connection:
            found = instances_table.get(connection, project, name)
        if found is None:
            raise InstanceNotFoundError(name)
        return found

    def _find(self, project: str, instance: str, name: str) -> Backup:
        with self._database.read() as connection:
            found = backups_table.get(connection, project, instance, name)
        if found is None:
            raise BackupNotFoundError(name)
        return found

    def _is_recorded(self, project: str, instance: str, name: str) -> bool:
        with self._database.read() as connection:
            return backups_table.get(connection, project, instance, name) is not None

    def _reserve(self, project: str, instance: str, name: str) -> str:
        """Return the name; an empty one becomes `backup<N>`, above those that are there or in the making."""
        if name:
            return name
        with self._naming, self._database.read() as connection:
            recorded = {backup.name for backup in backups_table.list_for(connection, project, instance)}
            pending = {each[2] for each in self._reserved if each[:2] == (project, instance)}
            numbers = [int(match[1]) for match in map(_NUMBERED.fullmatch, recorded | pending) if match]
            chosen = f"backup{max(numbers, default=-1) + 1}"
            self._reserved.add((project, instance, chosen))
        return chosen

    def _publish(self, caller: Caller, what: str, project: str, instance: str, name: str, **context: str) -> None:
        source = backup_url(project, instance, name)
        self._events.lifecycle(caller, project, f"instance-backup-{what}", source, **context)


def check_backup_name(name: str) -> str:
    """Return the name if it can be a backup's: one safe path component."""
    if "/" in name:
        raise BadRequestError("Backup names may not contain slashes")
    return check_entity_name("Backup", name)
