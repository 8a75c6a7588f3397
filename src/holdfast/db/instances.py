"""Queries on instances."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables, warnings
from holdfast.db.unique import execute_unique
from holdfast.model.entities import instance_path
from holdfast.model.errors import InstanceNotFoundError
from holdfast.model.instance import Instance
from holdfast.model.kinds import InstanceType

_table = tables.instances


def get(connection: Connection, project: str, name: str) -> Instance | None:
    row = connection.execute(select(_table).where(_is(project, name))).first()
    return None if row is None else _instance(row)


def list_all(connection: Connection, project: str | None) -> list[Instance]:
    """Return the instances of a project, of all projects when None, by project and name."""
    query = select(_table).order_by(_table.c.project, _table.c.name)
    if project is not None:
        query = query.where(_table.c.project == project)
    return [_instance(row) for row in connection.execute(query)]


def list_in_pool(connection: Connection, pool: str) -> list[Instance]:
    query = select(_table).where(_table.c.pool == pool).order_by(_table.c.project, _table.c.name)
    return [_instance(row) for row in connection.execute(query)]


def insert(connection: Connection, instance: Instance) -> None:
    """Add it. A taken name raises `ConflictError`."""
    values = {**_values(instance), "project": instance.project, "name": instance.name}
    execute_unique(connection, sql_insert(_table).values(values), "instances")


def update(connection: Connection, instance: Instance) -> None:
    """Write every field but project and name, by which it is found."""
    statement = sql_update(_table).where(_is(instance.project, instance.name)).values(_values(instance))
    if not connection.execute(statement).rowcount:
        raise InstanceNotFoundError(instance.name)


def rename(connection: Connection, project: str, name: str, new_name: str, new_project: str) -> None:
    """Give it another name, maybe in another project; what belongs to it and warnings follow it."""
    statement = sql_update(_table).where(_is(project, name)).values(name=new_name, project=new_project)
    if not execute_unique(connection, statement, "instances").rowcount:
        raise InstanceNotFoundError(name)
    warnings.rename_for(connection, project, instance_path(name), instance_path(new_name), new_project=new_project)


def delete(connection: Connection, project: str, name: str) -> None:
    """Remove it with its snapshots, backups and warnings. Absent: nothing."""
    warnings.delete_for(connection, project, instance_path(name))
    connection.execute(sql_delete(_table).where(_is(project, name)))


def _is(project: str, name: str) -> ColumnElement[bool]:
    return (_table.c.project == project) & (_table.c.name == name)


def _values(instance: Instance) -> dict[str, object]:
    return {
        "type": instance.type.value,
        "architecture": instance.architecture,
        "description": instance.description,
        "created_at": instance.created_at,
        "last_used_at": instance.last_used_at,
        "ephemeral": instance.ephemeral,
        "stateful": instance.stateful,
        "profiles": instance.profiles,
        "config": instance.config,
        "devices": instance.devices,
        "pool": instance.pool,
    }


def _instance(row: Row[tuple[object, ...]]) -> Instance:
    return Instance(
        project=row.project,
        name=row.name,
        type=InstanceType(row.type),
        architecture=row.architecture,
        description=row.description,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        ephemeral=row.ephemeral,
        stateful=row.stateful,
        profiles=row.profiles,
        config=row.config,
        devices=row.devices,
        pool=row.pool,
    )
