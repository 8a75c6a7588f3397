"""Exports that go straight to the one who asks: no file is made on the server."""

from __future__ import annotations

from typing import Final

from holdfast.archive.stream_writer import stream_export
from holdfast.db.database import Database
from holdfast.model.backup import BackupOwner
from holdfast.model.clock import Clock
from holdfast.model.errors import StorageError
from holdfast.service.backup_compression import chosen_compression
from holdfast.service.backup_owners import payload_of, resources_of, words_of
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.export_part import ExportPart
from holdfast.service.export_scene import ExportScenes
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.progress import RateMeter
from holdfast.service.server_config import ServerConfigService
from holdfast.service.streamed_work import StreamedWork
from holdfast.streams.compression import CompressionChoice
from holdfast.streams.copy import Cancelled
from holdfast.streams.handover import Handover

STREAM_INTENT: Final = "export-stream"


class ExportStreams:
    """Begins streams; thread-safe."""

    def __init__(
        self,
        *,
        database: Database,
        scenes: ExportScenes,
        server_config: ServerConfigService,
        intents: IntentLog,
        operations: Operations,
        clock: Clock,
    ) -> None:
        self._database, self._scenes, self._server_config = database, scenes, server_config
        self._intents, self._operations, self._clock = intents, operations, clock

    def start(self, caller: Caller, owner: BackupOwner, part: ExportPart, compression: str) -> StreamedWork:
        """Start an export; its bytes wait for a reader, who must read or leave. Raise for what can't be exported."""
        choice = chosen_compression(self._database, self._server_config, caller.project, compression)
        part.check()
        self._scenes.check(owner, part)

        def produce(handle: OperationHandle, sink: Handover, cancelled: Cancelled) -> None:
            self._export(owner, part, choice, handle, sink, cancelled)

        return StreamedWork(f"{owner.name}{choice.extension}").start(
            self._operations,
            caller,
            words_of(owner).creating,
            produce,
            resources_of(owner),
        )

    def undo(self, intent: Intent) -> None:
        """Forget an export that a crash ended; its staged trees go with all that belong to no intent."""
        self._scenes.release(intent)
        self._intents.close(intent)

    def _export(
        self,
        owner: BackupOwner,
        part: ExportPart,
        choice: CompressionChoice,
        handle: OperationHandle,
        sink: Handover,
        cancelled: Cancelled,
    ) -> None:
        intent = self._intents.open(STREAM_INTENT, payload_of(owner))
        meter = RateMeter()
        try:
            reach("export-stream:intent")
            with self._scenes.scene(intent, owner, part, cancelled) as content:
                reach("export-stream:staged")
                stream_export(
                    sink,
                    content,
                    choice,
                    now=self._clock.now(),
                    progress=lambda done: handle.progress("create_backup_progress", f"Backup: {meter.text(done)}"),
                    cancelled=cancelled,
                )
                reach("export-stream:written")
                sink.finish()
        except OSError as error:
            raise StorageError(f"Reading {owner.name} failed: {error}") from error
        finally:
            self._intents.close(intent)
