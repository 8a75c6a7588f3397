"""How safe everything is, in numbers for a monitoring system: ages of copies and snapshots, failures, room in pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from holdfast.db import schedule_runs
from holdfast.db import snapshots as snapshots_table
from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import warnings as warnings_table
from holdfast.db.schedule_runs import Key
from holdfast.model.errors import HoldfastError
from holdfast.model.kinds import StatusCode
from holdfast.model.retention import Kept
from holdfast.model.warning import Severity, WarningStatus
from holdfast.service.protections import ProtectionService
from holdfast.service.surroundings import Surroundings

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge; its name ends in its unit, if it has one."""

    name: str
    help: str
    samples: Sequence[tuple[Labels, float]]


class MetricsService:
    """Gathers metrics when asked; thread-safe."""

    def __init__(self, surroundings: Surroundings, protections: ProtectionService) -> None:
        self._around, self._protections = surroundings, protections

    def gather(self, project: str | None) -> list[Metric]:
        """Return the metrics as they are now: all, or only what is of a project. A pool that isn't there has none."""
        now = self._around.clock.now()
        of_projects = [*self._of_protections(now), *self._of_snapshots(now)]
        if project is None:
            return [*of_projects, *self._of_pools(), *self._of_server()]
        label = ("project", project)
        return [
            replace(metric, samples=[sample for sample in metric.samples if label in sample[0]])
            for metric in of_projects
        ]

    def _of_protections(self, now: datetime) -> Iterator[Metric]:
        ages, late, sizes, durations, failures = [], [], [], [], []
        for view in self._protections.list():
            name = view.protection.name
            failed = max(view.run.failures, bool(view.run.error)) if view.run else 0  # one by hand isn't counted there
            failures.append(((("protection", name),), float(failed)))
            for each in view.copies:
                copy = each.copy
                labels = (
                    ("protection", name),
                    ("project", view.protection.target_project),
                    ("instance", copy.instance),
                )
                late.append((labels, float(each.is_late)))
                if copy.succeeded_at is not None:
                    ages.append((labels, (now - copy.succeeded_at).total_seconds()))
                    sizes.append((labels, float(copy.received_bytes)))
                    durations.append((labels, copy.duration_s))
        yield Metric("holdfast_copy_age_seconds", "Age of the newest good copy of another server's instance", ages)
        yield Metric("holdfast_copy_late", "1 for a copy that is older than its schedule promises", late)
        yield Metric("holdfast_copy_received_bytes", "What came over for the newest good copy", sizes)
        yield Metric("holdfast_copy_duration_seconds", "How long the newest good copy took", durations)
        yield Metric("holdfast_protection_failures", "Runs of a protection since the last good one", failures)

    def _of_snapshots(self, now: datetime) -> Iterator[Metric]:
        with self._around.database.read() as connection:
            of_instances = snapshots_table.kept(connection, None)
            of_volumes = volume_snapshots_table.kept(connection, None)
            runs = {
                ("project", "instance"): schedule_runs.list_all(connection, schedule_runs.INSTANCES),
                ("pool", "project", "volume"): schedule_runs.list_all(connection, schedule_runs.VOLUMES),
            }
        yield Metric(
            "holdfast_snapshot_age_seconds",
            "Age of the newest snapshot of an instance",
            _ages(of_instances, ("project", "instance"), now),
        )
        yield Metric(
            "holdfast_volume_snapshot_age_seconds",
            "Age of the newest snapshot of a custom volume",
            _ages(of_volumes, ("pool", "project", "volume"), now),
        )
        failures = [
            ((*zip(names, key, strict=True), ("schedule", run.schedule)), float(run.failures))
            for names, found in runs.items()
            for key, listed in sorted(found.items())
            for run in listed
        ]
        yield Metric("holdfast_schedule_failures", "Runs of a schedule of snapshots since the last good one", failures)

    def _of_pools(self) -> Iterator[Metric]:
        used, total = [], []
        for pool in self._around.pools.list():
            try:
                resources = self._around.pools.driver(pool.name).resources()
            except HoldfastError:
                continue
            labels = (("pool", pool.name), ("driver", pool.driver))
            used.append((labels, float(resources.space_used_bytes)))
            total.append((labels, float(resources.space_total_bytes)))
        yield Metric("holdfast_pool_used_bytes", "What is used of a storage pool", used)
        yield Metric("holdfast_pool_total_bytes", "How large a storage pool is", total)

    def _of_server(self) -> Iterator[Metric]:
        with self._around.database.read() as connection:
            found = warnings_table.list_all(connection, None)
        open_ones = [each.severity for each in found if each.status is not WarningStatus.RESOLVED]
        counted = [((("severity", kind.value),), float(open_ones.count(kind))) for kind in Severity]
        yield Metric("holdfast_warnings", "Warnings that are not resolved", counted)
        running = [each for each in self._around.operations.list(None) if each.status < StatusCode.SUCCESS]
        yield Metric("holdfast_operations", "Operations under way", [((), float(len(running)))])


def _ages(kept: Mapping[Key, Sequence[Kept]], names: tuple[str, ...], now: datetime) -> list[tuple[Labels, float]]:
    return [
        (tuple(zip(names, key, strict=True)), (now - max(each.created_at for each in listed)).total_seconds())
        for key, listed in sorted(kept.items())
        if listed
    ]
