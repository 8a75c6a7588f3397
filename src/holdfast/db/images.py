"""Queries on images."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.errors import BadRequestError, ImageNotFoundError
from holdfast.model.image import Image
from holdfast.model.kinds import InstanceType

_table = tables.images


def get(connection: Connection, project: str, fingerprint: str) -> Image | None:
    """Return the one image whose fingerprint begins so; `BadRequestError` when several do."""
    prefix = fingerprint.lower()
    if not prefix or not all(character in "0123456789abcdef" for character in prefix):
        return None
    query = select(_table).where((_table.c.project == project) & _table.c.fingerprint.startswith(prefix)).limit(2)
    rows = connection.execute(query).all()
    if len(rows) > 1:
        raise BadRequestError(f'More than one image matches fingerprint "{fingerprint}": give more of it')
    return _image(rows[0]) if rows else None


def list_all(connection: Connection, project: str | None) -> list[Image]:
    """Return the images of a project, of all projects when None, oldest upload first."""
    query = select(_table).order_by(_table.c.uploaded_at, _table.c.id)
    if project is not None:
        query = query.where(_table.c.project == project)
    return [_image(row) for row in connection.execute(query)]


def projects_with(connection: Connection, fingerprint: str) -> list[str]:
    """Return the projects that hold the image of exactly this fingerprint: they share its files."""
    query = select(_table.c.project).where(_table.c.fingerprint == fingerprint).order_by(_table.c.project)
    return list(connection.execute(query).scalars())


def insert(connection: Connection, image: Image) -> None:
    """Add it. The same fingerprint in the same project raises `ConflictError`."""
    values = {**_values(image), "project": image.project, "fingerprint": image.fingerprint}
    execute_unique(connection, sql_insert(_table).values(values), "images")


def update(connection: Connection, image: Image) -> None:
    """Write every field but project and fingerprint, by which it is found."""
    statement = sql_update(_table).where(_is(image.project, image.fingerprint)).values(_values(image))
    if not connection.execute(statement).rowcount:
        raise ImageNotFoundError(image.fingerprint)


def touch(connection: Connection, project: str, fingerprint: str, used_at: datetime) -> None:
    """Note when it was last used."""
    connection.execute(sql_update(_table).where(_is(project, fingerprint)).values(last_used_at=used_at))


def delete(connection: Connection, project: str, fingerprint: str) -> None:
    """Remove it with its aliases. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_is(project, fingerprint)))


def _is(project: str, fingerprint: str) -> ColumnElement[bool]:
    return (_table.c.project == project) & (_table.c.fingerprint == fingerprint)


def _values(image: Image) -> dict[str, object]:
    return {
        "filename": image.filename,
        "size_bytes": image.size_bytes,
        "public": image.public,
        "auto_update": image.auto_update,
        "cached": image.cached,
        "architecture": image.architecture,
        "type": image.type.value,
        "properties": image.properties,
        "profiles": image.profiles,
        "created_at": image.created_at,
        "uploaded_at": image.uploaded_at,
        "expires_at": image.expires_at,
        "last_used_at": image.last_used_at,
        "is_split": image.is_split,
    }


def _image(row: Row[tuple[object, ...]]) -> Image:
    return Image(
        project=row.project,
        fingerprint=row.fingerprint,
        filename=row.filename,
        size_bytes=row.size_bytes,
        public=row.public,
        auto_update=row.auto_update,
        cached=row.cached,
        architecture=row.architecture,
        type=InstanceType(row.type),
        properties=row.properties,
        profiles=row.profiles,
        created_at=row.created_at,
        uploaded_at=row.uploaded_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        is_split=row.is_split,
    )
