"""Queries on the snapshots of custom volumes. They are ordered by creation, then by id."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables, warnings
from holdfast.db.unique import execute_unique
from holdfast.model.entities import volume_snapshot_path
from holdfast.model.errors import VolumeNotFoundError, VolumeSnapshotNotFoundError
from holdfast.model.retention import Kept
from holdfast.model.volume import CustomVolume, VolumeSnapshot

_table = tables.volume_snapshots
_volumes = tables.volumes
_with_volume = _table.join(_volumes, _volumes.c.id == _table.c.volume_id)
_kept_columns = [_table.c[name] for name in ("name", "created_at", "expires_at", "held", "schedule")]
_order = (_table.c.created_at, _table.c.id)
_owner = (
    _volumes.c.pool.label("volume_pool"),
    _volumes.c.project.label("volume_project"),
    _volumes.c.name.label("volume_name"),
)

Key = tuple[str, str, str]
"""Pool, project and name of a volume."""


def get(connection: Connection, volume: CustomVolume, name: str) -> VolumeSnapshot | None:
    row = connection.execute(select(_table).where(_is(volume, name))).first()
    return None if row is None else _snapshot(row)


def list_for(connection: Connection, volume: CustomVolume) -> list[VolumeSnapshot]:
    """Return the snapshots of one volume, oldest first."""
    query = select(_table).where(_table.c.volume_id == _volume_id(volume)).order_by(*_order)
    return [_snapshot(row) for row in connection.execute(query)]


def list_in_pool(connection: Connection, pool: str) -> dict[Key, list[VolumeSnapshot]]:
    """Return all snapshots of a pool by volume, oldest first, in one query."""
    query = select(_table, *_owner).select_from(_with_volume).where(_volumes.c.pool == pool).order_by(*_order)
    found: dict[Key, list[VolumeSnapshot]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.volume_pool, row.volume_project, row.volume_name].append(_snapshot(row))
    return dict(found)


def kept(connection: Connection, project: str | None) -> dict[tuple[str, ...], list[Kept]]:
    """Return what retention must know of all snapshots, by volume, oldest first: cheap, in one query."""
    query = select(*[*_kept_columns, *_owner]).select_from(_with_volume).order_by(*_order)
    if project is not None:
        query = query.where(_volumes.c.project == project)
    found: dict[tuple[str, ...], list[Kept]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.volume_pool, row.volume_project, row.volume_name].append(_kept(row))
    return dict(found)


def kept_of(connection: Connection, volume: CustomVolume) -> list[Kept]:
    """Return the same of one volume."""
    query = select(*_kept_columns).where(_table.c.volume_id == _volume_id(volume)).order_by(*_order)
    return [_kept(row) for row in connection.execute(query)]


def insert(connection: Connection, volume: CustomVolume, snapshot: VolumeSnapshot) -> None:
    """Add it. A taken name raises `ConflictError`."""
    volume_id = connection.execute(select(_volume_id(volume))).scalar()
    if volume_id is None:
        raise VolumeNotFoundError(volume.pool, volume.name)
    values = {**_values(snapshot), "volume_id": volume_id, "name": snapshot.name}
    execute_unique(connection, sql_insert(_table).values(values), "storage_volumes_snapshots")


def update(connection: Connection, volume: CustomVolume, snapshot: VolumeSnapshot) -> None:
    """Write every field but the name, by which it is found."""
    statement = sql_update(_table).where(_is(volume, snapshot.name)).values(_values(snapshot))
    if not connection.execute(statement).rowcount:
        raise VolumeSnapshotNotFoundError(volume.pool, volume.name, snapshot.name)


def rename(connection: Connection, volume: CustomVolume, name: str, new_name: str) -> None:
    statement = sql_update(_table).where(_is(volume, name)).values(name=new_name)
    if not execute_unique(connection, statement, "storage_volumes_snapshots").rowcount:
        raise VolumeSnapshotNotFoundError(volume.pool, volume.name, name)
    warnings.rename_for(connection, volume.project, _path(volume, name), _path(volume, new_name))


def delete(connection: Connection, volume: CustomVolume, name: str) -> None:
    """Remove it with its warnings. Absent: nothing."""
    warnings.delete_for(connection, volume.project, _path(volume, name))
    connection.execute(sql_delete(_table).where(_is(volume, name)))


def _path(volume: CustomVolume, name: str) -> str:
    return volume_snapshot_path(volume.pool, volume.name, name)


def _volume_id(volume: CustomVolume) -> ScalarSelect[int]:
    is_it = (_volumes.c.pool == volume.pool) & (_volumes.c.project == volume.project) & (_volumes.c.name == volume.name)
    return select(_volumes.c.id).where(is_it).scalar_subquery()


def _is(volume: CustomVolume, name: str) -> ColumnElement[bool]:
    return (_table.c.volume_id == _volume_id(volume)) & (_table.c.name == name)


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(
        name=row.name, created_at=row.created_at, expires_at=row.expires_at, is_held=row.held, schedule=row.schedule
    )


def _values(snapshot: VolumeSnapshot) -> dict[str, object]:
    return {
        "description": snapshot.description,
        "config": snapshot.config,
        "created_at": snapshot.created_at,
        "expires_at": snapshot.expires_at,
        "held": snapshot.is_held,
        "schedule": snapshot.schedule,
        "due_at": snapshot.due_at,
    }


def _snapshot(row: Row[tuple[object, ...]]) -> VolumeSnapshot:
    return VolumeSnapshot(
        name=row.name,
        description=row.description,
        config=row.config,
        created_at=row.created_at,
        expires_at=row.expires_at,
        is_held=row.held,
        schedule=row.schedule,
        due_at=row.due_at,
    )
