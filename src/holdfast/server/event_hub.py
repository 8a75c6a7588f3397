"""Events on their way from the services' threads to the websockets: each is encoded once, each listener has a queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from holdfast.model.access import EVERYTHING, Access
from holdfast.model.operation import Event, EventType
from holdfast.server.operation_access import may_hear
from holdfast.server.render.events import event_shape
from holdfast.service.events import EventBus
from holdfast.wire.encoding import encode

LONGEST_QUEUE: Final = 20_000
"""A listener that is this far behind has stopped reading; its connection is ended rather than memory filled."""


@dataclass(eq=False, slots=True)
class EventListener:
    """One client of the stream; `project` None means all that it may hear of."""

    types: frozenset[EventType]
    project: str | None
    access: Access = EVERYTHING
    queue: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)

    def wants(self, event: Event) -> bool:
        if event.type not in self.types or not may_hear(self.access, event):
            return False
        return self.project is None or event.project is None or event.project == self.project


class EventHub:
    """Lives in the event loop; `start` connects it to the services."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._listeners: set[EventListener] = set()
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()

        def hop(event: Event) -> None:
            loop.call_soon_threadsafe(self._hand_out, event)

        self._unsubscribe = self._bus.subscribe(hop)

    def stop(self) -> None:
        """Hear no more, and end every listener's stream."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        for listener in self._listeners:
            listener.queue.put_nowait(None)

    @contextlib.contextmanager
    def listening(self, listener: EventListener) -> Iterator[asyncio.Queue[bytes | None]]:
        """Fill the listener's queue with encoded events from now on; None at the end of the stream."""
        self._listeners.add(listener)
        try:
            yield listener.queue
        finally:
            self._listeners.discard(listener)

    def _hand_out(self, event: Event) -> None:
        fitting = [listener for listener in self._listeners if listener.wants(event)]
        if not fitting:
            return
        message = encode(event_shape(event))
        for listener in fitting:
            if listener.queue.qsize() >= LONGEST_QUEUE:
                self._listeners.discard(listener)
                listener.queue.put_nowait(None)
            else:
                listener.queue.put_nowait(message)
