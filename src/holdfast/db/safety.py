"""What keeps each instance and custom volume safe, counted by the database: a thousand of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, ScalarSelect, Table, func, select

from holdfast.db import tables

_instances, _volumes = tables.instances, tables.volumes
_COPIES: Final = tables.protected_copies.join(
    tables.protections, tables.protections.c.id == tables.protected_copies.c.protection_id
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Safety:
    """`snapshots` is their number. `copied_at`: it is a copy of another server's instance, as that was then."""

    project: str
    pool: str
    name: str
    snapshots: int
    snapshot_at: datetime | None
    export_at: datetime | None
    copied_at: datetime | None = None


def of_instances(connection: Connection, project: str | None) -> Sequence[Safety]:
    """Return the instances of a project, of all when None, by project and name."""
    copied = (
        select(func.max(tables.protected_copies.c.succeeded_at))
        .select_from(_COPIES)
        .where(
            tables.protections.c.target_project == _instances.c.project,
            tables.protected_copies.c.instance == _instances.c.name,
        )
        .scalar_subquery()
    )
    query = select(
        _instances.c.project,
        _instances.c.pool,
        _instances.c.name,
        _count(tables.instance_snapshots, tables.instance_snapshots.c.instance_id, _instances.c.id).label("snapshots"),
        _newest(tables.instance_snapshots, tables.instance_snapshots.c.instance_id, _instances.c.id).label("snapshot"),
        _newest(tables.backups, tables.backups.c.instance_id, _instances.c.id).label("export"),
        copied.label("copied"),
    ).order_by(_instances.c.project, _instances.c.name)
    if project is not None:
        query = query.where(_instances.c.project == project)
    return [
        Safety(
            project=row.project,
            pool=row.pool,
            name=row.name,
            snapshots=row.snapshots,
            snapshot_at=row.snapshot,
            export_at=row.export,
            copied_at=row.copied,
        )
        for row in connection.execute(query)
    ]


def of_volumes(connection: Connection, project: str | None) -> Sequence[Safety]:
    """Return the custom volumes of a project, of all when None, by project, pool and name."""
    query = select(
        _volumes.c.project,
        _volumes.c.pool,
        _volumes.c.name,
        _count(tables.volume_snapshots, tables.volume_snapshots.c.volume_id, _volumes.c.id).label("snapshots"),
        _newest(tables.volume_snapshots, tables.volume_snapshots.c.volume_id, _volumes.c.id).label("snapshot"),
        _newest(tables.volume_backups, tables.volume_backups.c.volume_id, _volumes.c.id).label("export"),
    ).order_by(_volumes.c.project, _volumes.c.pool, _volumes.c.name)
    if project is not None:
        query = query.where(_volumes.c.project == project)
    return [
        Safety(
            project=row.project,
            pool=row.pool,
            name=row.name,
            snapshots=row.snapshots,
            snapshot_at=row.snapshot,
            export_at=row.export,
        )
        for row in connection.execute(query)
    ]


def _count(table: Table, of: Column[int], owner: Column[int]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(of == owner).scalar_subquery()


def _newest(table: Table, of: Column[int], owner: Column[int]) -> ScalarSelect[datetime]:
    return select(func.max(table.c.created_at)).where(of == owner).scalar_subquery()
