"""Queries on the last measured sizes. What was measured in another pool isn't told: it takes another size there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Connection, Row, ScalarSelect, Table, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from holdfast.db import tables
from holdfast.model.measured import MeasuredSize, Subject

_table = tables.measured_sizes


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where things and their snapshots are, and the columns that point to them."""

    owners: Table
    snapshots: Table
    of_snapshots: Column[int]
    owner_column: Column[int]
    snapshot_column: Column[int]
    is_volume: bool


_INSTANCES: Final = _Kind(
    tables.instances,
    tables.instance_snapshots,
    tables.instance_snapshots.c.instance_id,
    _table.c.instance_id,
    _table.c.instance_snapshot_id,
    is_volume=False,
)
_VOLUMES: Final = _Kind(
    tables.volumes,
    tables.volume_snapshots,
    tables.volume_snapshots.c.volume_id,
    _table.c.volume_id,
    _table.c.volume_snapshot_id,
    is_volume=True,
)


def record(connection: Connection, measured: MeasuredSize) -> None:
    """Write it in the place of the last one. What has gone meanwhile: nothing."""
    subject, kind = measured.subject, _kind(measured.subject)
    column = kind.snapshot_column if subject.snapshot else kind.owner_column
    found = connection.execute(select(_id_of(kind, subject))).scalar()
    if found is None:
        return
    connection.execute(sql_delete(_table).where(column == found))
    values = {
        column.name: found,
        "pool": subject.pool,
        "size_bytes": measured.size_bytes,
        "entries": measured.entries,
        "complete": measured.is_complete,
        "measured_at": measured.measured_at,
    }
    connection.execute(sql_insert(_table).values(values))


def find(connection: Connection, subject: Subject) -> MeasuredSize | None:
    kind = _kind(subject)
    column = kind.snapshot_column if subject.snapshot else kind.owner_column
    query = select(_table).where(column == _id_of(kind, subject), _table.c.pool == subject.pool)
    row = connection.execute(query).first()
    return None if row is None else _measured(row, subject)


def list_now(connection: Connection, project: str | None, volume_project: str | None) -> Sequence[MeasuredSize]:
    """Return those of instances and volumes as they are now, of all projects when None."""
    found: list[MeasuredSize] = []
    for kind, wanted in ((_INSTANCES, project), (_VOLUMES, volume_project)):
        owners = kind.owners
        query = (
            select(_table, owners.c.project, owners.c.name)
            .select_from(_table.join(owners, kind.owner_column == owners.c.id))
            .where(_table.c.pool == owners.c.pool)
            .order_by(owners.c.project, owners.c.pool, owners.c.name)
        )
        if wanted is not None:
            query = query.where(owners.c.project == wanted)
        found += [
            _measured(row, Subject(project=row.project, pool=row.pool, name=row.name, is_volume=kind.is_volume))
            for row in connection.execute(query)
        ]
    return found


def list_snapshots(connection: Connection, owner: Subject) -> Sequence[MeasuredSize]:
    """Return those of the snapshots of one instance or volume."""
    kind = _kind(owner)
    query = (
        select(_table, kind.snapshots.c.name)
        .select_from(_table.join(kind.snapshots, kind.snapshot_column == kind.snapshots.c.id))
        .where(kind.of_snapshots == _owner_id(kind, owner), _table.c.pool == owner.pool)
        .order_by(kind.snapshots.c.created_at, kind.snapshots.c.id)
    )
    return [
        _measured(
            row,
            Subject(
                project=owner.project, pool=owner.pool, name=owner.name, snapshot=row.name, is_volume=kind.is_volume
            ),
        )
        for row in connection.execute(query)
    ]


def _kind(subject: Subject) -> _Kind:
    return _VOLUMES if subject.is_volume else _INSTANCES


def _id_of(kind: _Kind, subject: Subject) -> ScalarSelect[int]:
    owner = _owner_id(kind, subject)
    if not subject.snapshot:
        return owner
    snapshots = kind.snapshots
    query = select(snapshots.c.id).where(kind.of_snapshots == owner, snapshots.c.name == subject.snapshot)
    return query.scalar_subquery()


def _owner_id(kind: _Kind, subject: Subject) -> ScalarSelect[int]:
    owners = kind.owners
    query = select(owners.c.id).where(owners.c.project == subject.project, owners.c.name == subject.name)
    if kind.is_volume:
        query = query.where(owners.c.pool == subject.pool)
    return query.scalar_subquery()


def _measured(row: Row[tuple[object, ...]], subject: Subject) -> MeasuredSize:
    return MeasuredSize(
        subject=subject,
        size_bytes=row.size_bytes,
        entries=row.entries,
        is_complete=row.complete,
        measured_at=row.measured_at,
    )
