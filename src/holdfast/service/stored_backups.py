"""What can be done with export files that are on the server already: check them, and lend them for a test."""

from __future__ import annotations

import os
import secrets

from holdfast.archive.verification import ExportFacts, verify_file
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import CancelledOperationError, StorageError
from holdfast.model.operation import JsonValue, Operation
from holdfast.service.backup_files import BackupFiles
from holdfast.service.backup_owners import resources_of
from holdfast.service.backups import BackupService
from holdfast.service.caller import Caller
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.progress import RateMeter
from holdfast.streams.growing import ArrivingFile


class StoredBackupService:
    """Reads export files; thread-safe."""

    def __init__(self, backups: BackupService, files: BackupFiles, operations: Operations) -> None:
        self._backups, self._files, self._operations = backups, files, operations

    def verify(self, caller: Caller, owner: BackupOwner, name: str) -> Operation:
        """Start to read a file to its end. The operation fails with what is wrong with it.

        Its metadata tells under `verification` what is in a good one.
        """
        path = self._backups.path(owner, name)

        def work(handle: OperationHandle) -> None:
            meter = RateMeter()
            try:
                # What is open stays readable if it is renamed or deleted meanwhile.
                with self._files.place.using(), path.open("rb", buffering=0) as file:
                    facts = verify_file(
                        file,
                        progress=lambda done: handle.progress("verify_progress", f"Verifying: {meter.text(done)}"),
                        cancelled=handle.is_cancelled,
                    )
            except OSError as error:
                raise StorageError(f"Reading the export {name} failed: {error.strerror or error}") from error
            if handle.is_cancelled():
                raise CancelledOperationError("Operation cancelled")
            handle.set_metadata(verification=_document(facts))

        return self._operations.start(
            caller, "Verifying backup", work, resources=resources_of(owner, name), may_cancel=True
        )

    def lend(self, owner: BackupOwner, name: str) -> ArrivingFile:
        """Return a second name of a file, for somebody who removes it: no byte is copied, and the file stays."""
        with self._files.place.using():
            path = self._backups.path(owner, name)
            second = self._files.part(secrets.token_hex(8))
            second.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(path, second)
            return ArrivingFile(second)


def _document(facts: ExportFacts) -> dict[str, JsonValue]:
    return {
        "type": facts.type,
        "name": facts.name,
        "driver": facts.driver,
        "optimized": facts.is_optimized,
        "compression": facts.compression.value,
        "size": facts.size_bytes,
        "entries": facts.entries,
        "content_bytes": facts.content_bytes,
        "snapshots": [
            {"name": each.name, "entries": each.entries, "content_bytes": each.size_bytes} for each in facts.snapshots
        ],
        "sealed": facts.tool is not None,
        "tool": facts.tool or "",
        "version": facts.version or "",
        "created_at": facts.created_at or "",
    }
