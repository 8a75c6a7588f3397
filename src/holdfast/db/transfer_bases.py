"""Queries on the states that differences between servers build on; an instance takes its own along when it goes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.model.transfer_base import TransferBase

_table, _instances, _snapshots = tables.transfer_bases, tables.instances, tables.instance_snapshots
_with_snapshot = _table.outerjoin(_snapshots, _snapshots.c.id == _table.c.snapshot_id)
_all = select(_table, _snapshots.c.name.label("snapshot")).select_from(_with_snapshot)
_newest_first = (_table.c.created_at.desc(), _table.c.id.desc())


def add(connection: Connection, project: str, instance: str, base: TransferBase) -> None:
    """Write one more of an instance, or of a snapshot of it, that is there."""
    instance_id = connection.execute(select(_id_of(project, instance))).scalar_one()
    snapshot = (_snapshots.c.instance_id == instance_id) & (_snapshots.c.name == base.snapshot)
    values = {
        "instance_id": instance_id,
        "pool": base.pool,
        "token": base.token,
        "is_received": base.is_received,
        "created_at": base.created_at,
        "listed": base.listed,
    }
    if base.snapshot is not None:
        values["snapshot_id"] = connection.execute(select(_snapshots.c.id).where(snapshot)).scalar_one()
    connection.execute(sql_insert(_table).values(values))


def list_for(connection: Connection, project: str, instance: str, *, is_received: bool) -> list[TransferBase]:
    """Return those of an instance itself that came, or those that were sent, newest first."""
    query = _all.where(_table.c.instance_id == _id_of(project, instance), _table.c.snapshot_id.is_(None))
    rows = connection.execute(query.where(_table.c.is_received == is_received).order_by(*_newest_first))
    return [_base(row) for row in rows]


def list_for_snapshots(connection: Connection, project: str, instance: str) -> list[TransferBase]:
    """Return those of an instance's snapshots, that of the newest snapshot first."""
    query = _all.where(_table.c.instance_id == _id_of(project, instance), _table.c.snapshot_id.is_not(None))
    rows = connection.execute(query.order_by(_snapshots.c.created_at.desc(), _snapshots.c.id.desc()))
    return [_base(row) for row in rows]


def list_all(connection: Connection) -> list[TransferBase]:
    return [_base(row) for row in connection.execute(_all.order_by(*_newest_first))]


def renew_for_snapshots(connection: Connection, project: str, instance: str, now: datetime) -> None:
    """Let the time of those of an instance's snapshots begin anew."""
    those = (_table.c.instance_id == _id_of(project, instance)) & _table.c.snapshot_id.is_not(None)
    connection.execute(sql_update(_table).where(those).values(created_at=now))


def delete(connection: Connection, base: TransferBase) -> None:
    """Remove it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_table.c.pool == base.pool, _table.c.token == base.token))


def delete_for(connection: Connection, project: str, instance: str) -> None:
    """Remove all of an instance."""
    connection.execute(sql_delete(_table).where(_table.c.instance_id == _id_of(project, instance)))


def _id_of(project: str, instance: str) -> ScalarSelect[int]:
    owner = (_instances.c.project == project) & (_instances.c.name == instance)
    return select(_instances.c.id).where(owner).scalar_subquery()


def _base(row: Row[tuple[object, ...]]) -> TransferBase:
    return TransferBase(
        pool=row.pool,
        token=row.token,
        is_received=row.is_received,
        created_at=row.created_at,
        snapshot=row.snapshot,
        listed=row.listed,
    )
