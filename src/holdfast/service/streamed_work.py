"""An operation whose result is a stream of bytes for the one who asked: nothing of it is kept on the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.streams.copy import Cancelled
from holdfast.streams.handover import BLOCK_BYTES, Handover

PATIENCE_S: Final = 1800.0
"""A reader that takes nothing for so long has stopped for good: it must not hold locks and clones for ever."""

Produce = Callable[[OperationHandle, Handover, Cancelled], None]
"""Writes the whole stream; looks at `cancelled` again and again, and raises where it can't go on.

What it has to clear away may wait until it has called `finish`: the reader has all then, and needn't wait for that.
"""


class StreamedWork:
    """The stream of one operation, seen by its reader. `take` never waits; `on_change` says when to look again."""

    def __init__(self, file_name: str, *, patience_s: float = PATIENCE_S, block_bytes: int = BLOCK_BYTES) -> None:
        """`block_bytes`: what is gathered before the reader gets it."""
        self.file_name = file_name
        self._handover = Handover(patience_s=patience_s, block_bytes=block_bytes)
        self._on_change: Callable[[], None] = lambda: None
        self._operation: Operation | None = None
        self._ended: Operation | None = None

    def start(
        self,
        operations: Operations,
        caller: Caller,
        description: str,
        produce: Produce,
        resources: Mapping[str, Sequence[str]],
    ) -> StreamedWork:
        """Begin the operation; it goes on as far as the stream has room. Once only; returns itself."""

        def work(handle: OperationHandle) -> None:
            handle.on_cancel(self._handover.abandon)
            produce(handle, self._handover, lambda: handle.is_cancelled() or self._handover.is_abandoned)
            self._handover.finish()

        self._operation = operations.start(caller, description, work, resources=resources, may_cancel=True)
        operations.when_done(self._operation.id, self._end)
        return self

    @property
    def operation(self) -> Operation:
        """The operation as it was at its beginning."""
        assert self._operation is not None, "it has not been started"
        return self._operation

    @property
    def ended(self) -> Operation | None:
        """The operation once it is final; what is left to `take` still belongs to the stream then."""
        return self._ended

    @property
    def has_failed(self) -> bool:
        """Tell whether the operation ended before all of the stream was written."""
        return self._ended is not None and not self._handover.has_all

    @property
    def is_whole(self) -> bool:
        """Tell whether all of the stream was written and taken."""
        return self._handover.is_finished

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call back, in any thread, when there is more to take and when the operation has ended."""
        self._on_change = callback
        self._handover.on_change(callback)

    def take(self) -> bytes | None:
        """Return the next block if there is one."""
        return self._handover.take()

    def leave(self) -> None:
        """Say that nobody reads any more: the work ends at once. Does nothing at the end of the stream."""
        self._handover.abandon()

    def _end(self, operation: Operation) -> None:
        self._ended = operation
        self._on_change()
