"""The table of all routes."""

from __future__ import annotations

from typing import Final

from holdfast.server.route import Route
from holdfast.server.routes import (
    backup_tests,
    backups,
    certificates,
    console,
    events,
    execs,
    files,
    image_aliases,
    images,
    instance_state,
    instances,
    logs,
    metadata,
    operations,
    profiles,
    projects,
    root,
    snapshot_files,
    snapshot_schedules,
    snapshots,
    storage_pools,
    storage_volume_snapshots,
    storage_volumes,
    undo,
    uploads,
    warnings,
)

ROUTES: Final[tuple[Route, ...]] = (
    *root.ROUTES,
    *instances.ROUTES,
    *instance_state.ROUTES,
    *snapshots.ROUTES,
    *snapshot_schedules.ROUTES,
    *backups.ROUTES,
    *backup_tests.ROUTES,
    *execs.ROUTES,
    *console.ROUTES,
    *files.ROUTES,
    *snapshot_files.ROUTES,
    *undo.ROUTES,
    *uploads.ROUTES,
    *logs.ROUTES,
    *metadata.ROUTES,
    *image_aliases.ROUTES,
    *images.ROUTES,
    *profiles.ROUTES,
    *projects.ROUTES,
    *storage_pools.ROUTES,
    *storage_volumes.ROUTES,
    *storage_volume_snapshots.ROUTES,
    *certificates.ROUTES,
    *warnings.ROUTES,
    *operations.ROUTES,
    *events.ROUTES,
)
