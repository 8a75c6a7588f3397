"""Exports that go straight to the one who asks: no file is made on the server.

They are sent, or written into a file that the one who asks has open; what is sent then tells how far that is.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from typing import Final

from holdfast.archive.content import ExportContent
from holdfast.archive.stream_writer import stream_export
from holdfast.archive.writer import write_open
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
from holdfast.service.streamed_work import Produce, StreamedWork
from holdfast.streams.compression import CompressionChoice
from holdfast.streams.copy import Cancelled, Progress
from holdfast.streams.handover import Handover

STREAM_INTENT: Final = "export-stream"
_TOLD_EACH_S: Final = 0.25


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
        choice = self._checked(caller, owner, part, compression)

        def produce(handle: OperationHandle, sink: Handover, cancelled: Cancelled) -> None:
            def write(content: ExportContent, progress: Progress) -> None:
                now = self._clock.now()
                stream_export(sink, content, choice, now=now, progress=progress, cancelled=cancelled)

            self._export(owner, part, handle, write, sink, cancelled)

        return self._begin(StreamedWork(f"{owner.name}{choice.extension}"), caller, owner, produce)

    def start_into(
        self, file: io.FileIO, caller: Caller, owner: BackupOwner, part: ExportPart, compression: str
    ) -> StreamedWork:
        """Start an export into an empty file, which is closed in any case. As `start`.

        The stream has a line for each part of a second, the bytes that are written, and the file's size as the last.
        """
        with contextlib.ExitStack() as refused:
            refused.callback(file.close)
            choice = self._checked(caller, owner, part, compression)

            def produce(handle: OperationHandle, sink: Handover, cancelled: Cancelled) -> None:
                teller = _Teller(sink, file)

                def write(content: ExportContent, progress: Progress) -> None:
                    def both(done_bytes: int) -> None:
                        progress(done_bytes)
                        teller.tell_sometimes()

                    now = self._clock.now()
                    write_open(file, content, choice, now=now, progress=both, cancelled=cancelled)
                    teller.tell()

                with file:
                    self._export(owner, part, handle, write, sink, cancelled)

            work = self._begin(StreamedWork(owner.name, block_bytes=1), caller, owner, produce)
            refused.pop_all()
        return work

    def _checked(self, caller: Caller, owner: BackupOwner, part: ExportPart, compression: str) -> CompressionChoice:
        """Return what to compress with; raise for what can't be exported."""
        choice = chosen_compression(self._database, self._server_config, caller.project, compression)
        part.check()
        self._scenes.check(owner, part)
        return choice

    def _begin(self, work: StreamedWork, caller: Caller, owner: BackupOwner, produce: Produce) -> StreamedWork:
        return work.start(self._operations, caller, words_of(owner).creating, produce, resources_of(owner))

    def undo(self, intent: Intent) -> None:
        """Forget an export that a crash ended; its staged trees go with all that belong to no intent."""
        self._scenes.release(intent)
        self._intents.close(intent)

    def _export(
        self,
        owner: BackupOwner,
        part: ExportPart,
        handle: OperationHandle,
        write: Callable[[ExportContent, Progress], None],
        sink: Handover,
        cancelled: Cancelled,
    ) -> None:
        intent = self._intents.open(STREAM_INTENT, payload_of(owner))
        meter = RateMeter()
        try:
            reach("export-stream:intent")
            with self._scenes.scene(intent, owner, part, cancelled) as content:
                reach("export-stream:staged")
                write(content, lambda done: handle.progress("create_backup_progress", f"Backup: {meter.text(done)}"))
                reach("export-stream:written")
                sink.finish()
        except OSError as error:
            raise StorageError(f"Reading {owner.name} failed: {error}") from error
        finally:
            self._intents.close(intent)


class _Teller:
    """Tells how far a file is written."""

    def __init__(self, sink: Handover, file: io.FileIO) -> None:
        self._sink, self._file, self._told_s = sink, file, time.monotonic()

    def tell_sometimes(self) -> None:
        if time.monotonic() - self._told_s >= _TOLD_EACH_S:
            self.tell()

    def tell(self) -> None:
        self._told_s = time.monotonic()
        self._sink.write(b"%d\n" % self._file.tell())
