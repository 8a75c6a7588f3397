"""Queries on browsers that are signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.model.browser import Browser

_table = tables.browsers
_projects = tables.browser_projects


def list_all(connection: Connection) -> list[Browser]:
    """Return all, oldest first."""
    rows = connection.execute(select(_table).order_by(_table.c.created_at, _table.c.id))
    return [_browser(connection, row) for row in rows]


def find(connection: Connection, browser_id: str) -> Browser | None:
    row = connection.execute(select(_table).where(_table.c.id == browser_id)).first()
    return None if row is None else _browser(connection, row)


def find_by_secret(connection: Connection, secret_hash: str) -> Browser | None:
    """Return the one whose cookie has this hash."""
    row = connection.execute(select(_table).where(_table.c.secret_hash == secret_hash)).first()
    return None if row is None else _browser(connection, row)


def insert(connection: Connection, browser: Browser) -> None:
    connection.execute(
        sql_insert(_table).values(
            id=browser.id,
            name=browser.name,
            secret_hash=browser.secret_hash,
            address=browser.address,
            restricted=browser.restricted,
            created_at=browser.created_at,
            last_seen_at=browser.last_seen_at,
            expires_at=browser.expires_at,
        )
    )
    rows = [{"browser_id": browser.id, "project": project} for project in browser.projects]
    if rows:
        connection.execute(sql_insert(_projects), rows)


def seen(connection: Connection, browser_id: str, now: datetime, address: str) -> None:
    """Write when and from where it came last."""
    query = sql_update(_table).where(_table.c.id == browser_id)
    connection.execute(query.values(last_seen_at=now, address=address))


def delete(connection: Connection, browser_id: str) -> None:
    connection.execute(sql_delete(_table).where(_table.c.id == browser_id))


def _browser(connection: Connection, row: Row[tuple[object, ...]]) -> Browser:
    query = select(_projects.c.project).where(_projects.c.browser_id == row.id).order_by(_projects.c.project)
    return Browser(
        id=row.id,
        name=row.name,
        secret_hash=row.secret_hash,
        address=row.address,
        restricted=row.restricted,
        projects=tuple(connection.execute(query).scalars()),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )
