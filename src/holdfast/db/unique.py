"""Inserting and renaming where a name may be taken: the database decides, the text is LXD's."""

from __future__ import annotations

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import Insert, Update

from holdfast.model.errors import ConflictError


def execute_unique(connection: Connection, statement: Insert | Update, noun: str) -> CursorResult[tuple[object, ...]]:
    """Execute; a name that is already taken raises `ConflictError` with LXD's plural `noun` in it."""
    try:
        return connection.execute(statement)
    except IntegrityError as error:
        if "unique" in str(error.orig).lower():
            raise ConflictError(f'This "{noun}" entry already exists') from error
        raise
