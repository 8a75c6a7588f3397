"""The stream of events: who publishes knows nothing of who listens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from holdfast.model.clock import Clock, SystemClock
from holdfast.model.operation import Event, JsonValue, Lifecycle
from holdfast.service.caller import Caller

_log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class EventBus:
    """Hands each event to every listener, in the publishing thread and in the order of publishing."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each event, from any thread; it must not block or raise. Return how to end that."""

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        with self._lock:
            self._listeners = (*self._listeners, listener)
        return unsubscribe

    def publish(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except RuntimeError:
                # An event loop that was closed before its listener left: the rest must still hear.
                _log.debug("An event listener has gone", exc_info=True)

    def lifecycle(
        self, caller: Caller | None, project: str | None, action: str, source: str, /, **context: JsonValue
    ) -> None:
        """Publish what happened: `action` such as "instance-created", `source` the object's URL."""
        requestor = caller.requestor if caller else None
        body = Lifecycle(action=action, source=source, context=context, requestor=requestor)
        self.publish(Event(timestamp=self._clock.now(), project=project, body=body))
