"""Server-side exports of instances and custom volumes: made, named, handed out, expired."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from holdfast.archive.writer import write_part
from holdfast.db import backups as backups_table
from holdfast.db.database import Database
from holdfast.model.backup import Backup, BackupOwner
from holdfast.model.clock import Clock
from holdfast.model.errors import BackupNotFoundError, BadRequestError, ConflictError, HoldfastError
from holdfast.model.kinds import Compression
from holdfast.model.names import check_entity_name
from holdfast.model.operation import Operation
from holdfast.service.backup_compression import chosen_compression
from holdfast.service.backup_files import BackupFiles
from holdfast.service.backup_owners import lock_of, owner_of, payload_of, resources_of, url_of, words_of
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.crashpoints import reach
from holdfast.service.events import EventBus
from holdfast.service.export_part import ExportPart
from holdfast.service.export_scene import ExportScenes
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import Locks
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.progress import RateMeter
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
    is_alone: bool = False
    optimized_storage: bool = False
    compression: str = ""
    snapshot: str = ""
    exclude: tuple[str, ...] = ()
    version: int = 1
    with_volumes: bool = False
    since: str = ""

    @property
    def part(self) -> ExportPart:
        return ExportPart(
            is_alone=self.is_alone,
            optimized_storage=self.optimized_storage,
            snapshot=self.snapshot,
            exclude=self.exclude,
            version=self.version,
            with_volumes=self.with_volumes,
            since=self.since,
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
        self._reserved: set[tuple[BackupOwner, str]] = set()

    # --- looking ------------------------------------------------------------------------------------------------------

    def list(self, owner: BackupOwner) -> list[Backup]:
        """Return the backups of an instance or volume, oldest first."""
        self._scenes.require(owner)
        with self._database.read() as connection:
            return backups_table.list_for(connection, owner)

    def get(self, owner: BackupOwner, name: str) -> Backup:
        self._scenes.require(owner)
        return self._find(owner, name)

    def sizes(self, backups: Iterable[Backup]) -> Sequence[int]:
        """Return how many bytes each file has, -1 for one that isn't there at the moment."""
        return [_size(self._files.path(each.owner, each.name)) for each in backups]

    def path(self, owner: BackupOwner, name: str, caller: Caller | None = None) -> Path:
        """Return the file to hand out; with a `caller` that it was retrieved is told as an event."""
        self.get(owner, name)
        path = self._files.path(owner, name)
        if not path.is_file():
            raise BackupNotFoundError(name)
        if caller is not None:
            self._publish(caller, "retrieved", owner, name)
        return path

    # --- changing -----------------------------------------------------------------------------------------------------

    def create(self, caller: Caller, owner: BackupOwner, request: BackupRequest) -> Operation:
        """Start an export; the operation's resources tell its name."""
        self._scenes.require(owner)
        choice = chosen_compression(self._database, self._server_config, caller.project, request.compression)
        request.part.check()
        self._scenes.check(owner, request.part)
        if request.name:
            check_backup_name(request.name)
        name = self._reserve(owner, request.name)
        backup = Backup(
            owner=owner,
            name=name,
            created_at=self._clock.now().replace(microsecond=0),
            expires_at=request.expires_at,
            is_alone=request.is_alone,
            optimized_storage=bool(request.since) or (request.optimized_storage and self._scenes.has_streams(owner)),
            compression=choice.kind.value,
        )
        is_reserved = not request.name
        return self._operations.start(
            caller,
            words_of(owner).creating,
            lambda handle: self._create(caller, backup, request.part, choice, handle, is_reserved=is_reserved),
            resources=resources_of(owner, name),
            may_cancel=True,
            if_never_begun=lambda: self._give_back(backup) if is_reserved else None,
        )

    def rename(self, caller: Caller, owner: BackupOwner, name: str, new_name: str) -> Operation:
        self.get(owner, name)
        check_backup_name(new_name)

        def work(_handle: OperationHandle) -> None:
            with self._files.place.using(), self._locks.hold(lock_of(owner), what="backup rename"):
                self._rename(self._find(owner, name), new_name)
            self._publish(caller, "renamed", owner, new_name, old_name=f"{owner.name}/{name}")

        return self._operations.start(caller, words_of(owner).renaming, work, resources=resources_of(owner))

    def delete(self, caller: Caller, owner: BackupOwner, name: str) -> Operation:
        self.get(owner, name)

        def work(_handle: OperationHandle) -> None:
            self._delete(caller, self._find(owner, name))

        return self._operations.start(caller, words_of(owner).deleting, work, resources=resources_of(owner))

    def prune_expired(self) -> None:
        """Delete the backups whose time is over; one that resists stays for the next time."""
        with self._database.read() as connection:
            expired = backups_table.expired(connection, self._clock.now())
        for backup in expired:
            try:
                self._delete(INTERNAL, backup)
            except HoldfastError as error:
                _log.warning("Expired backup %s/%s could not be removed: %s", backup.owner.name, backup.name, error)

    # --- after a crash ------------------------------------------------------------------------------------------------

    def undo_create(self, intent: Intent) -> None:
        """Remove what an unfinished export left; its staged trees go with all that belong to no intent."""
        self._scenes.release(intent)
        owner, name = owner_of(intent), intent.text("backup")
        if not self._is_recorded(owner, name):
            self._files.discard(self._files.path(owner, name))
        self._files.discard(self._files.part(intent.id))
        self._intents.close(intent)

    def undo_rename(self, intent: Intent) -> None:
        """Give the file back the name that its record has."""
        owner, old, new = owner_of(intent), intent.text("backup"), intent.text("new_name")
        if self._is_recorded(owner, old) and not self._is_recorded(owner, new):
            self._files.rename(self._files.path(owner, new), self._files.path(owner, old))
        self._intents.close(intent)

    def finish_delete(self, intent: Intent) -> None:
        owner, name = owner_of(intent), intent.text("backup")
        part = self._files.part(intent.id)
        self._files.withdraw(self._files.path(owner, name), part)
        with self._database.write() as connection:
            backups_table.delete(connection, owner, name)
            self._intents.close(intent, connection)
        self._files.discard(part)

    # --- the work -----------------------------------------------------------------------------------------------------

    def _create(
        self,
        caller: Caller,
        backup: Backup,
        part: ExportPart,
        choice: CompressionChoice,
        handle: OperationHandle,
        *,
        is_reserved: bool,
    ) -> None:
        with self._files.place.using(), self._taking(backup, is_reserved=is_reserved):
            self._check_room(backup.owner, part, choice)
            self._export(backup, part, choice, handle)
        self._publish(caller, "created", backup.owner, backup.name)

    @contextmanager
    def _taking(self, backup: Backup, *, is_reserved: bool) -> Iterator[None]:
        """Hold the name for this one work; a name that is there, or is being made, is taken."""
        key = (backup.owner, backup.name)
        with self._naming:
            is_taken = self._is_recorded(*key) or (key in self._reserved and not is_reserved)
            if not is_taken:
                self._reserved.add(key)
        if is_taken:
            raise ConflictError(f'Create backup: Backup "{backup.owner.name}/{backup.name}" already exists')
        try:
            yield
        finally:
            self._give_back(backup)

    def _give_back(self, backup: Backup) -> None:
        """Let others have the name; its record, if there is one, keeps it."""
        with self._naming:
            self._reserved.discard((backup.owner, backup.name))

    def _check_room(self, owner: BackupOwner, part: ExportPart, choice: CompressionChoice) -> None:
        usage_bytes = self._scenes.usage_bytes(owner, part)
        self._files.check_room(usage_bytes if choice.kind is Compression.NONE else usage_bytes // _LIKELY_RATIO)

    def _export(self, backup: Backup, wanted: ExportPart, choice: CompressionChoice, handle: OperationHandle) -> None:
        intent = self._intents.open(CREATE_INTENT, {**payload_of(backup.owner), "backup": backup.name})
        part = self._files.part(intent.id)
        try:
            reach("backup-create:intent")
            with self._scenes.scene(intent, backup.owner, wanted, handle.is_cancelled) as content:
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
            with self._locks.hold(lock_of(backup.owner), what="backup"):
                self._record(intent, backup, part)
        except BaseException:
            self.undo_create(intent)
            raise

    def _record(self, intent: Intent, backup: Backup, part: Path) -> None:
        """Enter the file and its record; the owner may have gone while its clones were read."""
        self._scenes.require(backup.owner)
        self._files.publish(part, self._files.path(backup.owner, backup.name))
        reach("backup-create:published")
        with self._database.write() as connection:
            backups_table.insert(connection, backup)
            self._intents.close(intent, connection)
        reach("backup-create:committed")

    def _rename(self, backup: Backup, new_name: str) -> None:
        owner = backup.owner
        if self._is_recorded(owner, new_name):
            raise ConflictError(f'Backup "{owner.name}/{new_name}" already exists')
        source, target = self._files.path(owner, backup.name), self._files.path(owner, new_name)
        payload = {**payload_of(owner), "backup": backup.name, "new_name": new_name}
        intent = self._intents.open(RENAME_INTENT, payload)
        reach("backup-rename:intent")
        try:
            self._files.rename(source, target)
            reach("backup-rename:renamed")
            with self._database.write() as connection:
                backups_table.rename(connection, owner, backup.name, new_name)
                self._intents.close(intent, connection)
        except BaseException:
            self.undo_rename(intent)
            raise
        reach("backup-rename:committed")

    def _delete(self, caller: Caller, backup: Backup) -> None:
        owner = backup.owner
        with self._files.place.using(), self._locks.hold(lock_of(owner), what="backup delete"):
            path = self._files.path(owner, backup.name)  # before the intent: a deletion that is refused leaves none
            intent = self._intents.open(DELETE_INTENT, {**payload_of(owner), "backup": backup.name})
            reach("backup-delete:intent")
            part = self._files.part(intent.id)
            self._files.withdraw(path, part)
            reach("backup-delete:withdrawn")
            self.finish_delete(intent)
            reach("backup-delete:committed")
        self._publish(caller, "deleted", owner, backup.name)

    # --- small questions ----------------------------------------------------------------------------------------------

    def _find(self, owner: BackupOwner, name: str) -> Backup:
        with self._database.read() as connection:
            found = backups_table.get(connection, owner, name)
        if found is None:
            raise BackupNotFoundError(name)
        return found

    def _is_recorded(self, owner: BackupOwner, name: str) -> bool:
        with self._database.read() as connection:
            return backups_table.get(connection, owner, name) is not None

    def _reserve(self, owner: BackupOwner, name: str) -> str:
        """Return the name; an empty one becomes `backup<N>`, above those that are there or in the making."""
        if name:
            return name
        with self._naming, self._database.read() as connection:
            recorded = {backup.name for backup in backups_table.list_for(connection, owner)}
            pending = {each[1] for each in self._reserved if each[0] == owner}
            numbers = [int(match[1]) for match in map(_NUMBERED.fullmatch, recorded | pending) if match]
            chosen = f"backup{max(numbers, default=-1) + 1}"
            self._reserved.add((owner, chosen))
        return chosen

    def _publish(self, caller: Caller, what: str, owner: BackupOwner, name: str, **context: str) -> None:
        event = f"{words_of(owner).event}-{what}"
        self._events.lifecycle(caller, owner.project, event, url_of(owner, name), **context)


def check_backup_name(name: str) -> str:
    """Return the name if it can be a backup's: one safe path component."""
    if "/" in name:
        raise BadRequestError("Backup names may not contain slashes")
    return check_entity_name("Backup", name)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
