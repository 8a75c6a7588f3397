"""Queries on server-side exports of instances."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.errors import BackupNotFoundError, InstanceNotFoundError
from holdfast.model.instance import Backup

_table = tables.backups
_instances = tables.instances
_query = (
    select(_table, _instances.c.project.label("instance_project"), _instances.c.name.label("instance_name"))
    .select_from(_table.join(_instances, _instances.c.id == _table.c.instance_id))
    .order_by(_table.c.created_at, _table.c.id)
)


def get(connection: Connection, project: str, instance: str, name: str) -> Backup | None:
    row = connection.execute(_query.where(_is(project, instance, name))).first()
    return None if row is None else _backup(row)


def list_for(connection: Connection, project: str, instance: str) -> list[Backup]:
    """Return the backups of one instance, oldest first."""
    query = _query.where((_instances.c.project == project) & (_instances.c.name == instance))
    return [_backup(row) for row in connection.execute(query)]


def list_all(connection: Connection, project: str | None) -> dict[tuple[str, str], list[Backup]]:
    """Return all backups by (project, instance), oldest first, in one query."""
    query = _query if project is None else _query.where(_instances.c.project == project)
    found: dict[tuple[str, str], list[Backup]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.instance_project, row.instance_name].append(_backup(row))
    return dict(found)


def expired(connection: Connection, now: datetime) -> list[Backup]:
    """Return those whose time is over."""
    return [_backup(row) for row in connection.execute(_query.where(_table.c.expires_at <= now))]


def insert(connection: Connection, backup: Backup) -> None:
    """Add it. A taken name raises `ConflictError`."""
    instance_id = connection.execute(select(_instance_id(backup.project, backup.instance))).scalar()
    if instance_id is None:
        raise InstanceNotFoundError(backup.instance)
    values: dict[str, object] = {
        "instance_id": instance_id,
        "name": backup.name,
        "created_at": backup.created_at,
        "expires_at": backup.expires_at,
        "instance_only": backup.instance_only,
        "optimized_storage": backup.optimized_storage,
        "compression": backup.compression,
    }
    execute_unique(connection, sql_insert(_table).values(values), "instances_backups")


def rename(connection: Connection, project: str, instance: str, name: str, new_name: str) -> None:
    statement = sql_update(_table).where(_is(project, instance, name)).values(name=new_name)
    if not execute_unique(connection, statement, "instances_backups").rowcount:
        raise BackupNotFoundError(name)


def delete(connection: Connection, project: str, instance: str, name: str) -> None:
    """Remove it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_is(project, instance, name)))


def _instance_id(project: str, instance: str) -> ScalarSelect[int]:
    query = select(_instances.c.id).where((_instances.c.project == project) & (_instances.c.name == instance))
    return query.scalar_subquery()


def _is(project: str, instance: str, name: str) -> ColumnElement[bool]:
    return (_table.c.instance_id == _instance_id(project, instance)) & (_table.c.name == name)


def _backup(row: Row[tuple[object, ...]]) -> Backup:
    return Backup(
        project=row.instance_project,
        instance=row.instance_name,
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        instance_only=row.instance_only,
        optimized_storage=row.optimized_storage,
        compression=row.compression,
    )
