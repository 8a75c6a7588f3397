"""Queries on profiles."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.errors import ProfileNotFoundError
from holdfast.model.profile import Profile

_table = tables.profiles
_instances = tables.instances
_snapshots = tables.instance_snapshots


def get(connection: Connection, project: str, name: str) -> Profile | None:
    row = connection.execute(select(_table).where(_is(project, name))).first()
    return None if row is None else _profile(row)


def list_all(connection: Connection, project: str | None) -> list[Profile]:
    """Return the profiles of a project, of all projects when None, by project and name."""
    query = select(_table).order_by(_table.c.project, _table.c.name)
    if project is not None:
        query = query.where(_table.c.project == project)
    return [_profile(row) for row in connection.execute(query)]


def insert(connection: Connection, profile: Profile) -> None:
    """Add it. A taken name raises `ConflictError`."""
    values = {**_values(profile), "project": profile.project, "name": profile.name}
    execute_unique(connection, sql_insert(_table).values(values), "profiles")


def update(connection: Connection, profile: Profile) -> None:
    """Write description, config and devices."""
    statement = sql_update(_table).where(_is(profile.project, profile.name)).values(_values(profile))
    if not connection.execute(statement).rowcount:
        raise ProfileNotFoundError(profile.name)


def rename(connection: Connection, project: str, name: str, new_name: str, user_projects: Iterable[str]) -> None:
    """Rename it, also in the lists of the instances and snapshots of the projects that use it."""
    statement = sql_update(_table).where(_is(project, name)).values(name=new_name)
    if not execute_unique(connection, statement, "profiles").rowcount:
        raise ProfileNotFoundError(name)
    projects = list(user_projects)
    instances = select(_instances.c.id, _instances.c.profiles).where(_instances.c.project.in_(projects))
    for row in connection.execute(instances).all():
        if name in row.profiles:
            renamed = tuple(new_name if each == name else each for each in row.profiles)
            connection.execute(sql_update(_instances).where(_instances.c.id == row.id).values(profiles=renamed))
    snapshots = (
        select(_snapshots.c.id, _snapshots.c.profiles)
        .select_from(_snapshots.join(_instances, _instances.c.id == _snapshots.c.instance_id))
        .where(_instances.c.project.in_(projects))
    )
    for row in connection.execute(snapshots).all():
        if name in row.profiles:
            renamed = tuple(new_name if each == name else each for each in row.profiles)
            connection.execute(sql_update(_snapshots).where(_snapshots.c.id == row.id).values(profiles=renamed))


def delete(connection: Connection, project: str, name: str) -> None:
    """Remove it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_is(project, name)))


def used_by(connection: Connection, name: str, user_projects: Iterable[str]) -> list[tuple[str, str]]:
    """Return (project, instance) of those that have the profile, in the projects that look for it there."""
    query = (
        select(_instances.c.project, _instances.c.name, _instances.c.profiles)
        .where(_instances.c.project.in_(list(user_projects)))
        .order_by(_instances.c.project, _instances.c.name)
    )
    return [(row.project, row.name) for row in connection.execute(query) if name in row.profiles]


def _is(project: str, name: str) -> ColumnElement[bool]:
    return (_table.c.project == project) & (_table.c.name == name)


def _values(profile: Profile) -> dict[str, object]:
    return {"description": profile.description, "config": profile.config, "devices": profile.devices}


def _profile(row: Row[tuple[object, ...]]) -> Profile:
    return Profile(
        project=row.project,
        name=row.name,
        description=row.description,
        config=row.config,
        devices=row.devices,
    )
