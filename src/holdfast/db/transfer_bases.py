"""Queries on the states that differences between servers build on; what they are of takes them along when it goes."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from holdfast.db import tables
from holdfast.model.instance import Instance
from holdfast.model.transfer_base import BaseOwner, TransferBase

_table, _instances, _volumes = tables.transfer_bases, tables.instances, tables.volumes
_newest_first = (_table.c.created_at.desc(), _table.c.id.desc())


def add(connection: Connection, owner: BaseOwner, base: TransferBase) -> None:
    """Write one more of an instance or volume that is there."""
    column, found = _column_and_id(owner)
    values = {
        column.name: connection.execute(select(found)).scalar_one(),
        "pool": base.pool,
        "token": base.token,
        "is_received": base.is_received,
        "created_at": base.created_at,
    }
    connection.execute(sql_insert(_table).values(values))


def list_for(connection: Connection, owner: BaseOwner, *, is_received: bool) -> list[TransferBase]:
    """Return those of it that came, or those that were sent, newest first."""
    column, found = _column_and_id(owner)
    query = select(_table).where(column == found, _table.c.is_received == is_received).order_by(*_newest_first)
    return [_base(row) for row in connection.execute(query)]


def list_all(connection: Connection) -> list[TransferBase]:
    return [_base(row) for row in connection.execute(select(_table).order_by(*_newest_first))]


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
    return TransferBase(pool=row.pool, token=row.token, is_received=row.is_received, created_at=row.created_at)
