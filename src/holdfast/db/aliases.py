"""Queries on image aliases."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.errors import ImageAliasNotFoundError, ImageNotFoundError
from holdfast.model.image import ImageAlias
from holdfast.model.kinds import InstanceType

_table = tables.image_aliases
_images = tables.images
_query = (
    select(_table, _images.c.fingerprint)
    .select_from(_table.join(_images, _images.c.id == _table.c.image_id))
    .order_by(_table.c.project, _table.c.name)
)


def get(connection: Connection, project: str, name: str) -> ImageAlias | None:
    row = connection.execute(_query.where(_is(project, name))).first()
    return None if row is None else _alias(row)


def list_all(connection: Connection, project: str | None) -> list[ImageAlias]:
    """Return the aliases of a project, of all projects when None, by name."""
    query = _query if project is None else _query.where(_table.c.project == project)
    return [_alias(row) for row in connection.execute(query)]


def list_for(connection: Connection, project: str, fingerprint: str) -> list[ImageAlias]:
    """Return the aliases of one image."""
    query = _query.where((_table.c.project == project) & (_images.c.fingerprint == fingerprint))
    return [_alias(row) for row in connection.execute(query)]


def insert(connection: Connection, alias: ImageAlias) -> None:
    """Add it. A taken name raises `ConflictError`, a target that isn't there `ImageNotFoundError`."""
    values = {**_values(connection, alias), "project": alias.project, "name": alias.name}
    execute_unique(connection, sql_insert(_table).values(values), "images_aliases")


def update(connection: Connection, alias: ImageAlias) -> None:
    """Write target, description and type."""
    statement = sql_update(_table).where(_is(alias.project, alias.name)).values(_values(connection, alias))
    if not connection.execute(statement).rowcount:
        raise ImageAliasNotFoundError(alias.name)


def rename(connection: Connection, project: str, name: str, new_name: str) -> None:
    statement = sql_update(_table).where(_is(project, name)).values(name=new_name)
    if not execute_unique(connection, statement, "images_aliases").rowcount:
        raise ImageAliasNotFoundError(name)


def delete(connection: Connection, project: str, name: str) -> None:
    """Remove it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_is(project, name)))


def _is(project: str, name: str) -> ColumnElement[bool]:
    return (_table.c.project == project) & (_table.c.name == name)


def _values(connection: Connection, alias: ImageAlias) -> dict[str, object]:
    image_id = connection.execute(select(_image_id(alias.project, alias.target))).scalar()
    if image_id is None:
        raise ImageNotFoundError(alias.target)
    return {"image_id": image_id, "description": alias.description, "type": alias.type.value}


def _image_id(project: str, fingerprint: str) -> ScalarSelect[int]:
    query = select(_images.c.id).where((_images.c.project == project) & (_images.c.fingerprint == fingerprint))
    return query.scalar_subquery()


def _alias(row: Row[tuple[object, ...]]) -> ImageAlias:
    return ImageAlias(
        project=row.project,
        name=row.name,
        target=row.fingerprint,
        description=row.description,
        type=InstanceType(row.type),
    )
