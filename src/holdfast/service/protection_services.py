"""Builds what protects instances of other servers, and has the scheduler look after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from holdfast.service.instance_services import InstanceServices
from holdfast.service.protection_pull import Puller
from holdfast.service.protection_runs import ProtectionRuns
from holdfast.service.protections import ProtectionService
from holdfast.service.scheduled import Warnings
from holdfast.service.server_certificate import ServerCertificate
from holdfast.service.surroundings import Surroundings


def make_protection_service(
    surroundings: Surroundings,
    *,
    instances: InstanceServices,
    certificate: ServerCertificate,
    zone: Callable[[], tzinfo],
    warnings: Warnings,
) -> ProtectionService:
    """Build it; from now on the scheduler runs what is due."""
    puller = Puller(
        surroundings,
        sink=instances.migrations.sink,
        updater=instances.updater,
        snapshots=instances.snapshots,
        certificate=certificate,
        schedules=instances.schedules,
        retention=instances.retention,
    )
    runs = ProtectionRuns(surroundings, puller, instances.snapshots, zone=zone, warnings=warnings)
    instances.scheduler.follow(runs)
    return ProtectionService(surroundings, runs, puller, zone=zone, warnings=warnings)
