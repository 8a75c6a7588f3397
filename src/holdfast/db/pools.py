"""Queries on storage pools."""

from __future__ import annotations

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables, warnings
from holdfast.db.unique import execute_unique
from holdfast.model.entities import pool_path
from holdfast.model.errors import PoolNotFoundError
from holdfast.model.storage import Pool

_table = tables.pools


def get(connection: Connection, name: str) -> Pool | None:
    row = connection.execute(select(_table).where(_table.c.name == name)).first()
    return None if row is None else _pool(row)


def list_all(connection: Connection) -> list[Pool]:
    return [_pool(row) for row in connection.execute(select(_table).order_by(_table.c.name))]


def insert(connection: Connection, pool: Pool) -> None:
    """Add it. A taken name raises `ConflictError`."""
    values: dict[str, object] = {
        "name": pool.name,
        "driver": pool.driver,
        "description": pool.description,
        "config": pool.config,
        "created_at": pool.created_at,
    }
    execute_unique(connection, sql_insert(_table).values(values), "storage_pools")


def update(connection: Connection, pool: Pool) -> None:
    """Write description and config."""
    values: dict[str, object] = {"description": pool.description, "config": pool.config}
    if not connection.execute(sql_update(_table).where(_table.c.name == pool.name).values(values)).rowcount:
        raise PoolNotFoundError(pool.name)


def delete(connection: Connection, name: str) -> None:
    """Remove it with its warnings; no instance may be left in it. Absent: nothing."""
    warnings.delete_for(connection, None, pool_path(name))
    connection.execute(sql_delete(_table).where(_table.c.name == name))


def _pool(row: Row[tuple[object, ...]]) -> Pool:
    return Pool(
        name=row.name,
        driver=row.driver,
        description=row.description,
        config=row.config,
        created_at=row.created_at,
    )
