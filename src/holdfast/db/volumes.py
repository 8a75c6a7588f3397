"""Queries on custom volumes."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables, warnings
from holdfast.db.unique import execute_unique
from holdfast.model.entities import volume_path
from holdfast.model.errors import VolumeNotFoundError
from holdfast.model.kinds import ContentType
from holdfast.model.volume import CustomVolume

_table = tables.volumes


def get(connection: Connection, pool: str, project: str, name: str) -> CustomVolume | None:
    row = connection.execute(select(_table).where(_is(pool, project, name))).first()
    return None if row is None else _volume(row)


def list_all(connection: Connection, *, pool: str | None = None, project: str | None = None) -> list[CustomVolume]:
    """Return the volumes of a pool, of a project, of both or of all, by pool, project and name."""
    query = select(_table).order_by(_table.c.pool, _table.c.project, _table.c.name)
    if pool is not None:
        query = query.where(_table.c.pool == pool)
    if project is not None:
        query = query.where(_table.c.project == project)
    return [_volume(row) for row in connection.execute(query)]


def insert(connection: Connection, volume: CustomVolume) -> None:
    """Add it. A taken name raises `ConflictError`."""
    values = {**_values(volume), **_key(volume)}
    execute_unique(connection, sql_insert(_table).values(values), "storage_volumes")


def update(connection: Connection, volume: CustomVolume) -> None:
    """Write description and config."""
    statement = sql_update(_table).where(_is(volume.pool, volume.project, volume.name)).values(_values(volume))
    if not connection.execute(statement).rowcount:
        raise VolumeNotFoundError(volume.pool, volume.name)


def move(connection: Connection, before: CustomVolume, after: CustomVolume) -> None:
    """Give it another pool, project or name; its snapshots, warnings and what schedules know of it go too."""
    statement = sql_update(_table).where(_is(before.pool, before.project, before.name)).values(_key(after))
    if not execute_unique(connection, statement, "storage_volumes").rowcount:
        raise VolumeNotFoundError(before.pool, before.name)
    old, new = volume_path(before.pool, before.name), volume_path(after.pool, after.name)
    warnings.rename_for(connection, before.project, old, new, new_project=after.project)


def delete(connection: Connection, pool: str, project: str, name: str) -> None:
    """Remove it with its snapshots and warnings. Absent: nothing."""
    warnings.delete_for(connection, project, volume_path(pool, name))
    connection.execute(sql_delete(_table).where(_is(pool, project, name)))


def _is(pool: str, project: str, name: str) -> ColumnElement[bool]:
    return (_table.c.pool == pool) & (_table.c.project == project) & (_table.c.name == name)


def _key(volume: CustomVolume) -> dict[str, object]:
    return {"pool": volume.pool, "project": volume.project, "name": volume.name}


def _values(volume: CustomVolume) -> dict[str, object]:
    return {
        "content_type": volume.content_type.value,
        "description": volume.description,
        "config": volume.config,
        "created_at": volume.created_at,
    }


def _volume(row: Row[tuple[object, ...]]) -> CustomVolume:
    return CustomVolume(
        project=row.project,
        pool=row.pool,
        name=row.name,
        content_type=ContentType(row.content_type),
        description=row.description,
        config=row.config,
        created_at=row.created_at,
    )
