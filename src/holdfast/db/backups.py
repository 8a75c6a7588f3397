"""Queries on server-side exports, of instances and of custom volumes: the owner says which."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Select, Table, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.backup import Backup, BackupOwner
from holdfast.model.errors import BackupNotFoundError, InstanceNotFoundError, VolumeNotFoundError

_instances, _volumes = tables.instances, tables.volumes
_INSTANCE_BACKUPS: Final = (
    select(tables.backups, _instances.c.project.label("owner_project"), _instances.c.name.label("owner_name"))
    .select_from(tables.backups.join(_instances, _instances.c.id == tables.backups.c.instance_id))
    .order_by(tables.backups.c.created_at, tables.backups.c.id)
)
_VOLUME_BACKUPS: Final = (
    select(
        tables.volume_backups,
        _volumes.c.project.label("owner_project"),
        _volumes.c.name.label("owner_name"),
        _volumes.c.pool.label("owner_pool"),
    )
    .select_from(tables.volume_backups.join(_volumes, _volumes.c.id == tables.volume_backups.c.volume_id))
    .order_by(tables.volume_backups.c.created_at, tables.volume_backups.c.id)
)


def get(connection: Connection, owner: BackupOwner, name: str) -> Backup | None:
    row = connection.execute(_of(owner).where(_table(owner).c.name == name)).first()
    return None if row is None else _backup(row)


def list_for(connection: Connection, owner: BackupOwner) -> list[Backup]:
    """Return the backups of one instance or volume, oldest first."""
    return [_backup(row) for row in connection.execute(_of(owner))]


def list_all(connection: Connection, project: str | None) -> dict[tuple[str, str], list[Backup]]:
    """Return all backups of instances by (project, instance), oldest first, in one query."""
    query = _INSTANCE_BACKUPS if project is None else _INSTANCE_BACKUPS.where(_instances.c.project == project)
    found: dict[tuple[str, str], list[Backup]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.owner_project, row.owner_name].append(_backup(row))
    return dict(found)


def expired(connection: Connection, now: datetime) -> list[Backup]:
    """Return those whose time is over."""
    return [
        _backup(row)
        for query, table in ((_INSTANCE_BACKUPS, tables.backups), (_VOLUME_BACKUPS, tables.volume_backups))
        for row in connection.execute(query.where(table.c.expires_at <= now))
    ]


def insert(connection: Connection, backup: Backup) -> None:
    """Add it. A taken name raises `ConflictError`."""
    owner = backup.owner
    owner_id = connection.execute(select(_owner_id(owner))).scalar()
    if owner_id is None:
        raise VolumeNotFoundError(owner.pool, owner.name) if owner.is_volume else InstanceNotFoundError(owner.name)
    id_column, alone_column = ("volume_id", "volume_only") if owner.is_volume else ("instance_id", "instance_only")
    values: dict[str, object] = {
        id_column: owner_id,
        alone_column: backup.is_alone,
        "name": backup.name,
        "created_at": backup.created_at,
        "expires_at": backup.expires_at,
        "optimized_storage": backup.optimized_storage,
        "compression": backup.compression,
    }
    execute_unique(connection, sql_insert(_table(owner)).values(values), _unique(owner))


def rename(connection: Connection, owner: BackupOwner, name: str, new_name: str) -> None:
    table = _table(owner)
    statement = sql_update(table).where(_owned(owner), table.c.name == name).values(name=new_name)
    if not execute_unique(connection, statement, _unique(owner)).rowcount:
        raise BackupNotFoundError(name)


def delete(connection: Connection, owner: BackupOwner, name: str) -> None:
    """Remove it. Absent: nothing."""
    table = _table(owner)
    connection.execute(sql_delete(table).where(_owned(owner), table.c.name == name))


def _table(owner: BackupOwner) -> Table:
    return tables.volume_backups if owner.is_volume else tables.backups


def _unique(owner: BackupOwner) -> str:
    return "storage_volumes_backups" if owner.is_volume else "instances_backups"


def _of(owner: BackupOwner) -> Select[tuple[object, ...]]:
    return (_VOLUME_BACKUPS if owner.is_volume else _INSTANCE_BACKUPS).where(_owned(owner))


def _owned(owner: BackupOwner) -> ColumnElement[bool]:
    table = _table(owner)
    return (table.c.volume_id if owner.is_volume else table.c.instance_id) == _owner_id(owner)


def _owner_id(owner: BackupOwner) -> ScalarSelect[int]:
    if owner.is_volume:
        query = select(_volumes.c.id).where(
            _volumes.c.pool == owner.pool, _volumes.c.project == owner.project, _volumes.c.name == owner.name
        )
    else:
        query = select(_instances.c.id).where(_instances.c.project == owner.project, _instances.c.name == owner.name)
    return query.scalar_subquery()


def _backup(row: Row[tuple[object, ...]]) -> Backup:
    found = row._mapping
    return Backup(
        owner=BackupOwner(
            project=str(found["owner_project"]), name=str(found["owner_name"]), pool=str(found.get("owner_pool", ""))
        ),
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        is_alone=bool(found.get("instance_only", found.get("volume_only"))),
        optimized_storage=row.optimized_storage,
        compression=row.compression,
    )
