"""Queries on protections, and on how each of their copies stands."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, Row, ScalarSelect, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.protection import ProtectedCopy, Protection

_table, _copies = tables.protections, tables.protected_copies


def list_all(connection: Connection) -> list[Protection]:
    """Return all, by name."""
    return [_protection(row) for row in connection.execute(select(_table).order_by(_table.c.name))]


def get(connection: Connection, name: str) -> Protection | None:
    row = connection.execute(select(_table).where(_table.c.name == name)).first()
    return None if row is None else _protection(row)


def insert(connection: Connection, protection: Protection) -> None:
    """Add it. A taken name raises `ConflictError`."""
    execute_unique(connection, sql_insert(_table).values(_values(protection)), "protections")


def update(connection: Connection, protection: Protection) -> None:
    """Write every field of the one of this name."""
    connection.execute(sql_update(_table).where(_table.c.name == protection.name).values(_values(protection)))


def delete(connection: Connection, name: str) -> None:
    """Remove it with what is known of its copies. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_table.c.name == name))


def copies(connection: Connection) -> dict[str, list[ProtectedCopy]]:
    """Return how all copies stand, by protection, each list by instance."""
    joined = _copies.join(_table, _table.c.id == _copies.c.protection_id)
    query = select(_copies, _table.c.name.label("protection")).select_from(joined).order_by(_copies.c.instance)
    found: dict[str, list[ProtectedCopy]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.protection].append(_copy(row))
    return dict(found)


def save_copy(connection: Connection, protection: str, copy: ProtectedCopy) -> None:
    """Write it, whether it was there or not. A protection that has gone: nothing."""
    values: dict[str, object] = {
        "tried_at": copy.tried_at,
        "succeeded_at": copy.succeeded_at,
        "error": copy.error,
        "received_bytes": copy.received_bytes,
        "duration_s": copy.duration_s,
        "missing": copy.is_missing,
    }
    where = (_copies.c.protection_id == _id_of(protection)) & (_copies.c.instance == copy.instance)
    if connection.execute(sql_update(_copies).where(where).values(values)).rowcount:
        return
    owner_id = connection.execute(select(_table.c.id).where(_table.c.name == protection)).scalar()
    if owner_id is not None:
        connection.execute(sql_insert(_copies).values({**values, "protection_id": owner_id, "instance": copy.instance}))


def forget_copy(connection: Connection, protection: str, instance: str) -> None:
    """Remove what is known of a copy. Absent: nothing."""
    where = (_copies.c.protection_id == _id_of(protection)) & (_copies.c.instance == instance)
    connection.execute(sql_delete(_copies).where(where))


def _id_of(name: str) -> ScalarSelect[int]:
    return select(_table.c.id).where(_table.c.name == name).scalar_subquery()


def _values(protection: Protection) -> dict[str, object]:
    return {
        "name": protection.name,
        "remote": protection.remote,
        "address": protection.address,
        "certificate": protection.certificate,
        "project": protection.project,
        "pattern": protection.pattern,
        "target_project": protection.target_project,
        "pool": protection.pool,
        "schedule": protection.schedule,
        "keep": protection.keep,
        "window": protection.window,
        "bytes_per_s": protection.bytes_per_s,
        "parallel": protection.parallel,
        "paused": protection.is_paused,
        "created_at": protection.created_at,
    }


def _protection(row: Row[tuple[object, ...]]) -> Protection:
    return Protection(
        name=row.name,
        remote=row.remote,
        address=row.address,
        certificate=row.certificate,
        project=row.project,
        pattern=row.pattern,
        target_project=row.target_project,
        pool=row.pool,
        schedule=row.schedule,
        keep=row.keep,
        window=row.window,
        bytes_per_s=row.bytes_per_s,
        parallel=row.parallel,
        is_paused=row.paused,
        created_at=row.created_at,
    )


def _copy(row: Row[tuple[object, ...]]) -> ProtectedCopy:
    return ProtectedCopy(
        instance=row.instance,
        tried_at=row.tried_at,
        succeeded_at=row.succeeded_at,
        error=row.error,
        received_bytes=row.received_bytes,
        duration_s=row.duration_s,
        is_missing=row.missing,
    )
