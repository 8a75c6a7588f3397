"""Queries on the states that differences between servers build on; an instance takes its own along when it goes."""

from __future__ import annotations

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from holdfast.db import tables
from holdfast.model.transfer_base import TransferBase

_table, _instances = tables.transfer_bases, tables.instances
_newest_first = (_table.c.created_at.desc(), _table.c.id.desc())


def add(connection: Connection, project: str, instance: str, base: TransferBase) -> None:
    """Write one more of an instance that is there."""
    owner = (_instances.c.project == project) & (_instances.c.name == instance)
    values = {
        "instance_id": connection.execute(select(_instances.c.id).where(owner)).scalar_one(),
        "pool": base.pool,
        "token": base.token,
        "is_received": base.is_received,
        "created_at": base.created_at,
    }
    connection.execute(sql_insert(_table).values(values))


def list_for(connection: Connection, project: str, instance: str, *, is_received: bool) -> list[TransferBase]:
    """Return those of an instance that came, or those that were sent, newest first."""
    joined = _table.join(_instances, _instances.c.id == _table.c.instance_id)
    query = select(_table).select_from(joined).where(_instances.c.project == project, _instances.c.name == instance)
    rows = connection.execute(query.where(_table.c.is_received == is_received).order_by(*_newest_first))
    return [_base(row) for row in rows]


def list_all(connection: Connection) -> list[TransferBase]:
    return [_base(row) for row in connection.execute(select(_table).order_by(*_newest_first))]


def delete(connection: Connection, base: TransferBase) -> None:
    """Remove it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_table.c.pool == base.pool, _table.c.token == base.token))


def delete_for(connection: Connection, project: str, instance: str) -> None:
    """Remove all of an instance."""
    owner = select(_instances.c.id).where((_instances.c.project == project) & (_instances.c.name == instance))
    connection.execute(sql_delete(_table).where(_table.c.instance_id == owner.scalar_subquery()))


def _base(row: Row[tuple[object, ...]]) -> TransferBase:
    return TransferBase(pool=row.pool, token=row.token, is_received=row.is_received, created_at=row.created_at)
