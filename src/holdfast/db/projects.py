"""Queries on projects."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables, warnings
from holdfast.db.unique import execute_unique
from holdfast.model.errors import ProjectNotFoundError
from holdfast.model.profile import Project

_table = tables.projects
_BOUND: Final = (tables.certificate_projects, tables.browser_projects)
"""Who is bound to projects: it follows one to a new name, and stays as restricted as it was when one goes."""


def get(connection: Connection, name: str) -> Project | None:
    row = connection.execute(select(_table).where(_table.c.name == name)).first()
    return None if row is None else _project(row)


def list_all(connection: Connection) -> list[Project]:
    return [_project(row) for row in connection.execute(select(_table).order_by(_table.c.name))]


def insert(connection: Connection, project: Project) -> None:
    """Add it. A taken name raises `ConflictError`."""
    values: dict[str, object] = {
        "name": project.name,
        "description": project.description,
        "config": project.config,
    }
    execute_unique(connection, sql_insert(_table).values(values), "projects")


def update(connection: Connection, project: Project) -> None:
    """Write description and config."""
    values: dict[str, object] = {"description": project.description, "config": project.config}
    if not connection.execute(sql_update(_table).where(_table.c.name == project.name).values(values)).rowcount:
        raise ProjectNotFoundError(project.name)


def rename(connection: Connection, name: str, new_name: str) -> None:
    """Give it another name, with its profiles; nothing else may be in it. A taken name raises `ConflictError`."""
    project = get(connection, name)
    if project is None:
        raise ProjectNotFoundError(name)
    insert(connection, replace(project, name=new_name))
    profiles = tables.profiles
    connection.execute(sql_update(profiles).where(profiles.c.project == name).values(project=new_name))
    warnings.rename_project(connection, name, new_name)
    for table in _BOUND:
        connection.execute(sql_update(table).where(table.c.project == name).values(project=new_name))
    delete(connection, name)


def delete(connection: Connection, name: str) -> None:
    """Remove it with its warnings; what it holds must have gone before. Absent: nothing.

    Certificates and browsers that are bound to it stay so, to what is left.
    """
    warnings.delete_in(connection, name)
    for table in _BOUND:
        connection.execute(sql_delete(table).where(table.c.project == name))
    connection.execute(sql_delete(_table).where(_table.c.name == name))


def _project(row: Row[tuple[object, ...]]) -> Project:
    return Project(name=row.name, description=row.description, config=row.config)
