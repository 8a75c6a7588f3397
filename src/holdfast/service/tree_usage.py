"""How much instances, custom volumes and their snapshots take on disk, measured when somebody asks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from holdfast.host.tree_usage import Usage, measure
from holdfast.model.errors import NotFoundError
from holdfast.service.points import Point, Points
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore

LONGEST_S: Final = 20.0
"""Somebody waits for the answer."""
MOST_REMEMBERED: Final = 4096
"""Snapshots, which don't change; an entry is some hundred bytes."""


class UsageService:
    """Measures; thread-safe. What a snapshot takes is remembered until the server ends."""

    def __init__(self, surroundings: Surroundings, volumes: VolumeStore) -> None:
        self._clock, self._volumes = surroundings.clock, volumes
        self._points = Points(surroundings, volumes)
        self._lock = threading.Lock()
        self._known: OrderedDict[object, Usage] = OrderedDict()

    def of_instance(self, project: str, name: str, snapshot: str) -> Usage:
        """Measure the root file system of an instance, or of one of its snapshots."""
        return self._measured(self._points.of_instance(project, name, snapshot))

    def of_volume(self, project: str, pool: str, name: str, snapshot: str) -> Usage:
        """Measure what is in a custom volume, or in one of its snapshots."""
        return self._measured(self._points.of_volume(self._volumes.get(project, pool, name), snapshot))

    def _measured(self, point: Point) -> Usage:
        with self._lock:
            known = self._known.get(point.identity)
        if known is not None:
            return known
        until = self._clock.monotonic() + LONGEST_S
        try:
            found = measure(point.tree, lambda: self._clock.monotonic() > until)
        except FileNotFoundError:
            raise NotFoundError("Not Found") from None  # it was deleted or renamed since its record was read
        if point.identity is not None and found.is_complete:
            with self._lock:
                self._known[point.identity] = found
                while len(self._known) > MOST_REMEMBERED:
                    self._known.popitem(last=False)
        return found
