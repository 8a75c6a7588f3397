"""Queries on warnings."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, Row, or_, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.model.warning import WarningRecord, WarningStatus

_table = tables.warnings


def get(connection: Connection, warning_id: str) -> WarningRecord | None:
    row = connection.execute(select(_table).where(_table.c.id == warning_id)).first()
    return None if row is None else _warning(row)


def find(connection: Connection, project: str | None, kind: str, entity: str) -> WarningRecord | None:
    """Return the one of this kind about this entity."""
    query = select(_table).where(_in(project) & (_table.c.kind == kind) & (_table.c.entity == entity))
    row = connection.execute(query).first()
    return None if row is None else _warning(row)


def list_all(connection: Connection, project: str | None) -> list[WarningRecord]:
    """Return those of a project, all there are when None, by id."""
    query = select(_table).order_by(_table.c.id)
    if project is not None:
        query = query.where(_table.c.project == project)
    return [_warning(row) for row in connection.execute(query)]


def insert(connection: Connection, warning: WarningRecord) -> None:
    connection.execute(sql_insert(_table).values(asdict(warning)))


def update(connection: Connection, warning: WarningRecord) -> None:
    """Write every field. Absent: nothing."""
    connection.execute(sql_update(_table).where(_table.c.id == warning.id).values(asdict(warning)))


def delete(connection: Connection, warning_id: str) -> bool:
    """Remove it; tell whether it was there."""
    return bool(connection.execute(sql_delete(_table).where(_table.c.id == warning_id)).rowcount)


def delete_for(connection: Connection, project: str | None, entity: str) -> None:
    """Remove those about an entity and about what is in it."""
    connection.execute(sql_delete(_table).where(_in(project) & _about(entity)))


def rename_for(
    connection: Connection, project: str | None, entity: str, new_entity: str, *, new_project: str | None = None
) -> None:
    """Let those about an entity, and about what is in it, be about its new name, maybe in another project."""
    for row in connection.execute(select(_table).where(_in(project) & _about(entity))).all():
        values = {"entity": new_entity + row.entity.removeprefix(entity), "project": new_project or project}
        connection.execute(sql_update(_table).where(_table.c.id == row.id).values(values))


def delete_in(connection: Connection, project: str) -> None:
    """Remove those of a project."""
    connection.execute(sql_delete(_table).where(_table.c.project == project))


def rename_project(connection: Connection, project: str, new_project: str) -> None:
    """Let those of a project follow it."""
    connection.execute(sql_update(_table).where(_table.c.project == project).values(project=new_project))


def _in(project: str | None) -> ColumnElement[bool]:
    return _table.c.project.is_(None) if project is None else _table.c.project == project


def _about(entity: str) -> ColumnElement[bool]:
    return or_(_table.c.entity == entity, _table.c.entity.startswith(f"{entity}/", autoescape=True))


def _warning(row: Row[tuple[object, ...]]) -> WarningRecord:
    return WarningRecord(
        id=row.id,
        project=row.project,
        kind=row.kind,
        entity=row.entity,
        message=row.message,
        status=WarningStatus(row.status),
        occurrences=row.occurrences,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
    )
