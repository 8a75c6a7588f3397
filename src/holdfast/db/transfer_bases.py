"""Queries on the states that differences between servers build on; what they are of takes them along when it goes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.model.instance import Instance
from holdfast.model.transfer_base import BaseOwner, TransferBase

_table, _instances, _volumes = tables.transfer_bases, tables.instances, tables.volumes
_snapshots = tables.instance_snapshots
_with_snapshot = _table.outerjoin(_snapshots, _snapshots.c.id == _table.c.snapshot_id)
_all = select(_table, _snapshots.c.name.label("snapshot")).select_from(_with_snapshot)
_newest_first = (_table.c.created_at.desc(), _table.c.id.desc())


def add(connection: Connection, owner: BaseOwner, base: TransferBase) -> None:
    """Write one more of an instance or volume, or of an instance's snapshot, that is there."""
    column, found = _column_and_id(owner)
    owner_id = connection.execute(select(found)).scalar_one()
    values = {
        column.name: owner_id,
        "pool": base.pool,
        "token": base.token,
        "is_received": base.is_received,
        "created_at": base.created_at,
        "listed": base.listed,
    }
    if base.snapshot is not None:
        is_it = (_snapshots.c.instance_id == owner_id) & (_snapshots.c.name == base.snapshot)
        values["snapshot_id"] = connection.execute(select(_snapshots.c.id).where(is_it)).scalar_one()
    connection.execute(sql_insert(_table).values(values))


def list_for(connection: Connection, owner: BaseOwner, *, is_received: bool) -> list[TransferBase]:
    """Return those of it itself that came, or those that were sent, newest first."""
    column, found = _column_and_id(owner)
    query = _all.where(column == found, _table.c.snapshot_id.is_(None), _table.c.is_received == is_received)
    return [_base(row) for row in connection.execute(query.order_by(*_newest_first))]


def list_for_snapshots(connection: Connection, owner: Instance) -> list[TransferBase]:
    """Return those of an instance's snapshots, that of the newest snapshot first."""
    column, found = _column_and_id(owner)
    query = _all.where(column == found, _table.c.snapshot_id.is_not(None))
    rows = connection.execute(query.order_by(_snapshots.c.created_at.desc(), _snapshots.c.id.desc()))
    return [_base(row) for row in rows]


def list_all(connection: Connection) -> list[TransferBase]:
    return [_base(row) for row in connection.execute(_all.order_by(*_newest_first))]


def renew_for_snapshots(connection: Connection, owner: Instance, now: datetime) -> None:
    """Let the time of those of an instance's snapshots begin anew."""
    column, found = _column_and_id(owner)
    those = (column == found) & _table.c.snapshot_id.is_not(None)
    connection.execute(sql_update(_table).where(those).values(created_at=now))


def delete(connection: Connection, base: TransferBase) -> None:
    """Remove it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_table.c.pool == base.pool, _table.c.token == base.token))


def delete_for(connection: Connection, owner: BaseOwner) -> None:
    """Remove all of an instance or volume."""
    column, found = _column_and_id(owner)
    connection.execute(sql_delete(_table).where(column == found))


def _column_and_id(owner: BaseOwner) -> tuple[Column[int], ScalarSelect[int]]:
    """Return the column that points to it, and what that says."""
    if isinstance(owner, Instance):
        is_it = (_instances.c.project == owner.project) & (_instances.c.name == owner.name)
        return _table.c.instance_id, select(_instances.c.id).where(is_it).scalar_subquery()
    is_it = (_volumes.c.pool == owner.pool) & (_volumes.c.project == owner.project) & (_volumes.c.name == owner.name)
    return _table.c.volume_id, select(_volumes.c.id).where(is_it).scalar_subquery()


def _base(row: Row[tuple[object, ...]]) -> TransferBase:
    return TransferBase(
        pool=row.pool,
        token=row.token,
        is_received=row.is_received,
        created_at=row.created_at,
        snapshot=row.snapshot,
        listed=row.listed,
    )
