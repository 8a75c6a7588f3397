"""Operations: work that goes on behind an answered request, its status, progress, cancelling and result."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from holdfast.model.clock import Clock, SystemClock
from holdfast.model.errors import (
    BadRequestError,
    CancelledOperationError,
    HoldfastError,
    OperationNotFoundError,
    UnavailableError,
)
from holdfast.model.kinds import OperationClass, StatusCode
from holdfast.model.operation import JsonValue, Operation
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import url

_log = logging.getLogger(__name__)

WORKERS: Final = 48
"""Threads for operations. Many only wait (a clean stop without a time limit, a lock), so far more than cores; bounded,
so that a flood of requests queues instead of taking the host's memory."""

KEPT_S: Final = 10.0
"""How long a final operation can still be read. LXD keeps 5 s and its clients poll late; twice that costs nothing."""

Work = Callable[[OperationHandle], None]


def _nothing() -> None:
    """Give nothing back."""


class Operations:
    """All operations of this server, running and just ended; thread-safe."""

    def __init__(self, events: EventBus, *, workers: int = WORKERS, clock: Clock | None = None) -> None:
        self._events = events
        self._clock = clock or SystemClock()
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="operation")
        self._lock = threading.Lock()
        self._handles: dict[str, OperationHandle] = {}
        self._ended: list[tuple[float, str]] = []
        self._is_accepting = True

    def start(
        self,
        caller: Caller,
        description: str,
        work: Work,
        *,
        resources: Mapping[str, Sequence[str]] | None = None,
        may_cancel: bool = False,
        operation_class: OperationClass = OperationClass.TASK,
        metadata: Mapping[str, JsonValue] | None = None,
        if_never_begun: Callable[[], None] = _nothing,
    ) -> Operation:
        """Run `work` in a worker thread; return the operation, which is "Running" from the start (as LXD's is).

        `if_never_begun` gives back what was taken for the work (an upload, a name) when a cancel came before it.
        """
        handle = self.open(
            caller,
            description,
            operation_class=operation_class,
            resources=resources,
            metadata=metadata,
            may_cancel=may_cancel,
        )
        handle.run()
        answer = handle.snapshot()
        self._executor.submit(_carry_out, handle, work, if_never_begun)
        return answer

    def carry_out_here(
        self, caller: Caller, description: str, work: Work, *, resources: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Run `work` in this thread as an operation that others see, and raise what it raises."""
        handle = self.open(caller, description, operation_class=OperationClass.TASK, resources=resources)
        handle.run()
        outcome: list[BaseException | None] = []

        def watched(running: OperationHandle) -> None:
            try:
                work(running)
            except BaseException as error:
                outcome.append(error)
                raise
            outcome.append(None)

        _carry_out(handle, watched, _nothing)
        if not outcome:
            raise CancelledOperationError("The operation was cancelled")
        if outcome[0] is not None:
            raise outcome[0]

    def open(
        self,
        caller: Caller,
        description: str,
        *,
        operation_class: OperationClass,
        resources: Mapping[str, Sequence[str]] | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        may_cancel: bool = False,
    ) -> OperationHandle:
        """Make an operation whose work lives elsewhere; its owner calls `run` and one of the ends."""
        handle = OperationHandle(
            caller,
            description,
            events=self._events,
            clock=self._clock,
            on_end=self._ended_now,
            operation_class=operation_class,
            resources=resources,
            metadata=metadata,
            may_cancel=may_cancel,
        )
        with self._lock:
            if not self._is_accepting:
                raise UnavailableError("Holdfast is shutting down")
            self._handles[handle.id] = handle
        handle.announce()
        return handle

    def get(self, operation_id: str) -> Operation:
        return self._handle(operation_id).snapshot()

    def list(self, project: str | None) -> list[Operation]:
        """Return the operations of a project, of all when None, oldest first."""
        self._forget_old()
        with self._lock:
            handles = list(self._handles.values())
        operations = [handle.snapshot() for handle in handles]
        return [each for each in operations if project is None or each.project == project]

    def wait(self, operation_id: str, timeout_s: float | None) -> Operation:
        """Wait until it is final or the time is over; return how it then stands."""
        return self._handle(operation_id).wait(timeout_s)

    def when_done(self, operation_id: str, callback: Callable[[Operation], None]) -> Callable[[], None]:
        """Call back once with the final operation, from any thread, at once if it is final. Return how to leave."""
        return self._handle(operation_id).when_done(callback)

    def cancel(self, caller: Caller, operation_id: str) -> None:
        """Ask the work to end; it does so at its next check."""
        handle = self._handle(operation_id)
        operation = handle.snapshot()
        if operation.status >= StatusCode.SUCCESS:
            raise BadRequestError("Only running operations can be cancelled")
        if not operation.may_cancel:
            raise BadRequestError("This operation can't be cancelled")
        handle.request_cancel()
        self._events.lifecycle(caller, operation.project, "operation-cancelled", url("operations", operation_id))

    def drain(self, timeout_s: float) -> None:
        """Refuse new work, wait for what runs, then tell the rest to end at its next check."""
        with self._lock:
            self._is_accepting = False
            handles = list(self._handles.values())
        deadline = self._clock.monotonic() + timeout_s
        for handle in handles:
            if handle.snapshot().operation_class is OperationClass.TASK:
                handle.wait(max(0.0, deadline - self._clock.monotonic()))
        for handle in handles:
            handle.request_cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _handle(self, operation_id: str) -> OperationHandle:
        self._forget_old()
        with self._lock:
            try:
                return self._handles[operation_id]
            except KeyError:
                raise OperationNotFoundError(operation_id) from None

    def _ended_now(self, operation_id: str) -> None:
        with self._lock:
            self._ended.append((self._clock.monotonic(), operation_id))
        self._forget_old()

    def _forget_old(self) -> None:
        with self._lock:
            limit = self._clock.monotonic() - KEPT_S
            while self._ended and self._ended[0][0] < limit:
                self._handles.pop(self._ended.pop(0)[1], None)


def _carry_out(handle: OperationHandle, work: Work, if_never_begun: Callable[[], None]) -> None:
    """Run the work to its end and record how it ended: one of the three borders where any exception is caught."""
    try:
        if handle.is_cancelled():
            if_never_begun()
        handle.check()
        work(handle)
    except CancelledOperationError:
        handle.end_cancelled()
    except HoldfastError as error:
        _log.info('Operation "%s" failed: %s', handle.description, error, extra={"operation": handle.id})
        handle.fail(str(error), error.status)
    except Exception as error:  # noqa: BLE001 - the border of an operation
        _log.exception('Operation "%s" broke', handle.description, extra={"operation": handle.id})
        handle.fail(f"Internal error: {type(error).__name__}: {error}", 500)
    else:
        handle.succeed()
