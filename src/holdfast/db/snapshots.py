"""Queries on the snapshots of instances. They are ordered by creation, then by id."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables, warnings
from holdfast.db.unique import execute_unique
from holdfast.model.entities import snapshot_path
from holdfast.model.errors import InstanceNotFoundError, SnapshotNotFoundError
from holdfast.model.instance import Snapshot
from holdfast.model.retention import Kept

_table = tables.instance_snapshots
_instances = tables.instances
_with_instance = _table.join(_instances, _instances.c.id == _table.c.instance_id)
_owner = (_instances.c.project.label("instance_project"), _instances.c.name.label("instance_name"))
_kept_columns = [_table.c[name] for name in ("name", "created_at", "expires_at", "held", "schedule")]
_order = (_table.c.created_at, _table.c.id)


def get(connection: Connection, project: str, instance: str, name: str) -> Snapshot | None:
    row = connection.execute(select(_table).where(_is(project, instance, name))).first()
    return None if row is None else _snapshot(row)


def list_for(connection: Connection, project: str, instance: str) -> list[Snapshot]:
    """Return the snapshots of one instance, oldest first; none for an instance that isn't there."""
    query = select(_table).where(_table.c.instance_id == _instance_id(project, instance)).order_by(*_order)
    return [_snapshot(row) for row in connection.execute(query)]


def list_all(connection: Connection, project: str | None) -> dict[tuple[str, str], list[Snapshot]]:
    """Return all snapshots by (project, instance), oldest first, in one query."""
    query = select(_table, *_owner).select_from(_with_instance).order_by(*_order)
    if project is not None:
        query = query.where(_instances.c.project == project)
    found: dict[tuple[str, str], list[Snapshot]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.instance_project, row.instance_name].append(_snapshot(row))
    return dict(found)


def kept(connection: Connection, project: str | None) -> dict[tuple[str, ...], list[Kept]]:
    """Return what retention must know of all snapshots, by (project, instance), oldest first: cheap, in one query."""
    query = select(*[*_kept_columns, *_owner]).select_from(_with_instance).order_by(*_order)
    if project is not None:
        query = query.where(_instances.c.project == project)
    found: dict[tuple[str, ...], list[Kept]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.instance_project, row.instance_name].append(_kept(row))
    return dict(found)


def kept_of(connection: Connection, project: str, instance: str) -> list[Kept]:
    """Return the same of one instance."""
    query = select(*_kept_columns).where(_table.c.instance_id == _instance_id(project, instance)).order_by(*_order)
    return [_kept(row) for row in connection.execute(query)]


def insert(connection: Connection, project: str, instance: str, snapshot: Snapshot) -> None:
    """Add it. A taken name raises `ConflictError`."""
    instance_id = connection.execute(select(_instance_id(project, instance))).scalar()
    if instance_id is None:
        raise InstanceNotFoundError(instance)
    values = {**_values(snapshot), "instance_id": instance_id, "name": snapshot.name}
    execute_unique(connection, sql_insert(_table).values(values), "instances_snapshots")


def update(connection: Connection, project: str, instance: str, snapshot: Snapshot) -> None:
    """Write every field but the name, by which it is found."""
    statement = sql_update(_table).where(_is(project, instance, snapshot.name)).values(_values(snapshot))
    if not connection.execute(statement).rowcount:
        raise SnapshotNotFoundError(project, instance, snapshot.name)


def rename(connection: Connection, project: str, instance: str, name: str, new_name: str) -> None:
    statement = sql_update(_table).where(_is(project, instance, name)).values(name=new_name)
    if not execute_unique(connection, statement, "instances_snapshots").rowcount:
        raise SnapshotNotFoundError(project, instance, name)
    warnings.rename_for(connection, project, snapshot_path(instance, name), snapshot_path(instance, new_name))


def delete(connection: Connection, project: str, instance: str, name: str) -> None:
    """Remove it with its warnings. Absent: nothing."""
    warnings.delete_for(connection, project, snapshot_path(instance, name))
    connection.execute(sql_delete(_table).where(_is(project, instance, name)))


def _instance_id(project: str, instance: str) -> ScalarSelect[int]:
    query = select(_instances.c.id).where((_instances.c.project == project) & (_instances.c.name == instance))
    return query.scalar_subquery()


def _is(project: str, instance: str, name: str) -> ColumnElement[bool]:
    return (_table.c.instance_id == _instance_id(project, instance)) & (_table.c.name == name)


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(
        name=row.name, created_at=row.created_at, expires_at=row.expires_at, is_held=row.held, schedule=row.schedule
    )


def _values(snapshot: Snapshot) -> dict[str, object]:
    return {
        "created_at": snapshot.created_at,
        "expires_at": snapshot.expires_at,
        "last_used_at": snapshot.last_used_at,
        "architecture": snapshot.architecture,
        "description": snapshot.description,
        "instance_description": snapshot.instance_description,
        "ephemeral": snapshot.ephemeral,
        "stateful": snapshot.stateful,
        "profiles": snapshot.profiles,
        "config": snapshot.config,
        "devices": snapshot.devices,
        "held": snapshot.is_held,
        "schedule": snapshot.schedule,
        "due_at": snapshot.due_at,
    }


def _snapshot(row: Row[tuple[object, ...]]) -> Snapshot:
    return Snapshot(
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        architecture=row.architecture,
        description=row.description,
        instance_description=row.instance_description,
        ephemeral=row.ephemeral,
        stateful=row.stateful,
        profiles=row.profiles,
        config=row.config,
        devices=row.devices,
        is_held=row.held,
        schedule=row.schedule,
        due_at=row.due_at,
    )
