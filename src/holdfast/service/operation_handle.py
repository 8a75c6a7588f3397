"""One operation from inside: what running work tells about itself, and hears."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from holdfast.model.clock import Clock
from holdfast.model.errors import CancelledOperationError
from holdfast.model.kinds import OperationClass, StatusCode
from holdfast.model.operation import Event, JsonValue, Operation
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus

PROGRESS_INTERVAL_S: Final = 0.2
"""Progress is published at most this often: five lines a second is all that a person can read."""


class OperationHandle:
    """Given to running work; thread-safe. Every change is published in the order in which it was made."""

    def __init__(
        self,
        caller: Caller,
        description: str,
        *,
        events: EventBus,
        clock: Clock,
        on_end: Callable[[str], None],
        operation_class: OperationClass,
        resources: Mapping[str, Sequence[str]] | None,
        metadata: Mapping[str, JsonValue] | None,
        may_cancel: bool,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.caller, self.description = caller, description
        self._events, self._clock, self._on_end = events, clock, on_end
        self._lock = threading.RLock()
        self._final = threading.Event()
        self._cancelled = threading.Event()
        self._on_cancel: list[Callable[[], None]] = []
        self._on_done: list[Callable[[Operation], None]] = []
        self._last_progress_s = float("-inf")
        now = clock.now()
        self._operation = Operation(
            id=self.id,
            project=caller.project,
            operation_class=operation_class,
            description=description,
            created_at=now,
            updated_at=now,
            status=StatusCode.PENDING,
            resources=_frozen(resources),
            metadata=dict(metadata) if metadata is not None else None,
            may_cancel=may_cancel,
        )

    # --- for the work ---------------------------------------------------------------------------------------------

    def progress(self, key: str, text: str) -> None:
        """Show a line of progress: `key` ends in `_progress`, `text` is for people. Cheap: call it often."""
        with self._lock:
            if self._is_final():
                return
            self._merge({key: text})
            now = self._clock.monotonic()
            if now - self._last_progress_s >= PROGRESS_INTERVAL_S:
                self._last_progress_s = now
                self._publish()

    def set_metadata(self, **values: JsonValue) -> None:
        """Merge into the metadata that clients read as the result."""
        with self._lock:
            if not self._is_final():
                self._merge(values)
                self._publish()

    def set_resources(self, resources: Mapping[str, Sequence[str]]) -> None:
        """Name what the operation works on, when that wasn't known at the start."""
        with self._lock:
            self._operation = replace(self._operation, resources=_frozen(resources))
            self._publish()

    def set_may_cancel(self, *, may_cancel: bool) -> None:
        """Open or close the time in which the work can be cancelled."""
        with self._lock:
            if self._operation.may_cancel != may_cancel:
                self._operation = replace(self._operation, may_cancel=may_cancel)
                self._publish()

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `CancelledOperationError` if someone cancelled the operation."""
        if self._cancelled.is_set():
            raise CancelledOperationError("The operation was cancelled")

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call back once when the operation is cancelled (close a pipe, end a process); at once if it already is."""
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    # --- for its owner --------------------------------------------------------------------------------------------

    def announce(self) -> None:
        """Publish it as pending; once, after it can be found by its id."""
        with self._lock:
            self._publish()

    def run(self) -> None:
        self._move_to(StatusCode.RUNNING)

    def succeed(self) -> None:
        self._move_to(StatusCode.SUCCESS)

    def fail(self, text: str, status: int = 400) -> None:
        self._move_to(StatusCode.FAILURE, text, status)

    def end_cancelled(self) -> None:
        """End as cancelled. The text is there because clients take an operation without one for a success."""
        is_token = self._operation.operation_class is OperationClass.TOKEN
        self._move_to(StatusCode.CANCELLED, "" if is_token else "The operation was cancelled", 400)

    def request_cancel(self) -> None:
        """Tell the work to end. Its end shows later; a token, which has no work, ends at once."""
        with self._lock:
            if self._is_final() or self._cancelled.is_set():
                return
            self._cancelled.set()
            self._move_to(StatusCode.CANCELLING)
            callbacks, self._on_cancel = self._on_cancel, []
        for callback in callbacks:
            callback()
        if self._operation.operation_class is OperationClass.TOKEN:
            self.end_cancelled()

    # --- for those who look ---------------------------------------------------------------------------------------

    def snapshot(self) -> Operation:
        return self._operation

    def wait(self, timeout_s: float | None) -> Operation:
        self._final.wait(timeout_s)
        return self._operation

    def when_done(self, callback: Callable[[Operation], None]) -> Callable[[], None]:
        """Call back once with the final operation; return how to leave."""
        with self._lock:
            if not self._is_final():
                self._on_done.append(callback)
                return lambda: self._leave(callback)
        callback(self._operation)
        return lambda: None

    def _leave(self, callback: Callable[[Operation], None]) -> None:
        with self._lock:
            if callback in self._on_done:
                self._on_done.remove(callback)

    def _is_final(self) -> bool:
        return self._operation.status >= StatusCode.SUCCESS

    def _move_to(self, status: StatusCode, error: str = "", error_status: int = 0) -> None:
        with self._lock:
            if self._is_final():
                return
            self._operation = replace(self._operation, status=status, error=error, error_status=error_status)
            if not self._is_final():
                self._publish()
                return
            self._operation = replace(self._operation, may_cancel=False)
            self._publish()
            callbacks, self._on_done = self._on_done, []
            self._on_cancel.clear()
        self._on_end(self.id)  # before anybody who waits goes on: how long it is kept counts from here
        self._final.set()
        for callback in callbacks:
            callback(self._operation)

    def _merge(self, values: Mapping[str, JsonValue]) -> None:
        metadata = {**(self._operation.metadata or {}), **values}
        self._operation = replace(self._operation, metadata=metadata)

    def _publish(self) -> None:
        now = self._clock.now()
        self._operation = replace(self._operation, updated_at=now)
        self._events.publish(Event(timestamp=now, project=self._operation.project, body=self._operation))


def _frozen(resources: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    return {kind: tuple(urls) for kind, urls in (resources or {}).items()}
