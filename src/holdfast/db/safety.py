"""What keeps each instance and custom volume safe, counted by the database: a thousand of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Null, ScalarSelect, Table, func, null, select

from holdfast.db import tables

_instances, _volumes, _sent = tables.instances, tables.volumes, tables.sent_copies
_COPIES: Final = tables.protected_copies.join(
    tables.protections, tables.protections.c.id == tables.protected_copies.c.protection_id
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Safety:
    """`snapshots` is their number. `copied_at` is when it was sent elsewhere last, or what a copy shows here is of."""

    project: str
    pool: str
    name: str
    snapshots: int
    snapshot_at: datetime | None
    export_at: datetime | None
    copied_at: datetime | None = None


def of_instances(connection: Connection, project: str | None) -> Sequence[Safety]:
    """Return the instances of a project, of all when None, by project, pool and name."""
    copied = (
        select(func.max(tables.protected_copies.c.succeeded_at))
        .select_from(_COPIES)
        .where(
            tables.protections.c.target_project == _instances.c.project,
            tables.protected_copies.c.instance == _instances.c.name,
        )
        .scalar_subquery()
    )
    sent = select(func.max(_sent.c.sent_at)).where(_sent.c.instance_id == _instances.c.id).scalar_subquery()
    snapshots, backups = tables.instance_snapshots, tables.backups
    return _found(connection, project, _instances, snapshots.c.instance_id, backups.c.instance_id, (copied, sent))


def of_volumes(connection: Connection, project: str | None) -> Sequence[Safety]:
    """Return the custom volumes of a project, of all when None, by project, pool and name."""
    snapshots, backups = tables.volume_snapshots, tables.volume_backups
    return _found(connection, project, _volumes, snapshots.c.volume_id, backups.c.volume_id, (null(), null()))


def _found(
    connection: Connection,
    project: str | None,
    owners: Table,
    of_snapshots: Column[int],
    of_backups: Column[int],
    copied: tuple[ScalarSelect[datetime] | Null, ScalarSelect[datetime] | Null],
) -> Sequence[Safety]:
    query = select(
        owners.c.project,
        owners.c.pool,
        owners.c.name,
        _count(of_snapshots, owners).label("snapshots"),
        _newest(of_snapshots, owners).label("snapshot"),
        _newest(of_backups, owners).label("export"),
        copied[0].label("copied"),
        copied[1].label("sent"),
    ).order_by(owners.c.project, owners.c.pool, owners.c.name)
    if project is not None:
        query = query.where(owners.c.project == project)
    return [
        Safety(
            project=row.project,
            pool=row.pool,
            name=row.name,
            snapshots=row.snapshots,
            snapshot_at=row.snapshot,
            export_at=row.export,
            copied_at=max((each for each in (row.copied, row.sent) if each is not None), default=None),
        )
        for row in connection.execute(query)
    ]


def _count(of: Column[int], owners: Table) -> ScalarSelect[int]:
    return select(func.count()).where(of == owners.c.id).scalar_subquery()


def _newest(of: Column[int], owners: Table) -> ScalarSelect[datetime]:
    return select(func.max(of.table.c.created_at)).where(of == owners.c.id).scalar_subquery()
