"""Which instances are still to be started with the server. In memory: the next start of the server finds them anew."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from holdfast.model.instance import Instance
from holdfast.service.surroundings import key_of


class WaitingStarts:
    """Filled when the server starts; whoever starts or stops an instance by hand takes it out. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Instance] = {}

    def add(self, instance: Instance) -> None:
        with self._lock:
            self._waiting[key_of(instance)] = instance

    def take(self, key: str) -> bool:
        """Take one out; tell whether it was there: only one of those who ask at once is told so."""
        with self._lock:
            return self._waiting.pop(key, None) is not None

    def all(self) -> Sequence[Instance]:
        """Return them as they were recorded when they came."""
        with self._lock:
            return list(self._waiting.values())
