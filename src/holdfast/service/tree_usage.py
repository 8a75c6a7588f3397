"""How much instances, custom volumes and their snapshots take on disk: measured when somebody asks, and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from holdfast.db import measured_sizes
from holdfast.host.tree_usage import measure
from holdfast.model.errors import NoSpaceError, NotFoundError
from holdfast.model.measured import MeasuredSize, Subject
from holdfast.service import project_features
from holdfast.service.points import NOW, Point, Points
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore

LONGEST_S: Final = 20.0
"""Somebody waits for the answer."""


class UsageService:
    """Measures; thread-safe. What a snapshot takes is measured once: it doesn't change."""

    def __init__(self, surroundings: Surroundings, volumes: VolumeStore) -> None:
        self._clock, self._database, self._volumes = surroundings.clock, surroundings.database, volumes
        self._around = surroundings
        self._points = Points(surroundings, volumes)

    def of_instance(self, project: str, name: str, snapshot: str) -> MeasuredSize:
        """Measure the root file system of an instance, or of one of its snapshots."""
        point = self._points.of_instance(project, name, snapshot)
        return self._measured(self._instance(project, name, snapshot), point)

    def of_volume(self, project: str, pool: str, name: str, snapshot: str) -> MeasuredSize:
        """Measure what is in a custom volume, or in one of its snapshots."""
        volume = self._volumes.get(project, pool, name)
        point = self._points.of_volume(volume, snapshot)
        subject = Subject(project=volume.project, pool=pool, name=name, snapshot=snapshot, is_volume=True)
        return self._measured(subject, point)

    def remembered(self, project: str | None) -> Sequence[MeasuredSize]:
        """Return what instances and volumes of a project, of all when None, took when they were measured last."""
        with self._database.read() as connection:
            home = project and project_features.home(connection, project, project_features.VOLUMES)
            return measured_sizes.list_now(connection, project, home)

    def remembered_of_instance(self, project: str, name: str) -> Sequence[MeasuredSize]:
        """Return what is remembered of the snapshots of an instance."""
        return self._snapshots(self._instance(project, name, NOW))

    def remembered_of_volume(self, project: str, pool: str, name: str) -> Sequence[MeasuredSize]:
        """Return what is remembered of the snapshots of a custom volume."""
        volume = self._volumes.get(project, pool, name)
        return self._snapshots(Subject(project=volume.project, pool=pool, name=name, is_volume=True))

    def _instance(self, project: str, name: str, snapshot: str) -> Subject:
        pool = self._around.instance(project, name).pool
        return Subject(project=project, pool=pool, name=name, snapshot=snapshot)

    def _snapshots(self, owner: Subject) -> Sequence[MeasuredSize]:
        with self._database.read() as connection:
            return measured_sizes.list_snapshots(connection, owner)

    def _measured(self, subject: Subject, point: Point) -> MeasuredSize:
        if subject.snapshot != NOW:
            with self._database.read() as connection:
                known = measured_sizes.find(connection, subject)
            if known is not None and known.is_complete:
                return known
        until = self._clock.monotonic() + LONGEST_S
        try:
            usage = measure(point.tree, lambda: self._clock.monotonic() > until)
        except FileNotFoundError:
            raise NotFoundError("Not Found") from None  # it was deleted or renamed since its record was read
        found = MeasuredSize(
            subject=subject,
            size_bytes=usage.size_bytes,
            entries=usage.entries,
            is_complete=usage.is_complete,
            measured_at=self._clock.now(),
        )
        with suppress(NoSpaceError), self._database.write() as connection:
            measured_sizes.record(connection, found)  # where no space is left, one wants to know what takes it
        return found
