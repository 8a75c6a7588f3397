"""Queries on what was sent to other servers: the last time for each instance and who asked."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from holdfast.db import tables
from holdfast.model.sent_copy import SentCopy

_table, _instances = tables.sent_copies, tables.instances


def record(connection: Connection, project: str, instance: str, copy: SentCopy) -> None:
    """Write it in the place of what was sent for the same one before. An instance that has gone: nothing."""
    owner = (_instances.c.project == project) & (_instances.c.name == instance)
    instance_id = connection.execute(select(_instances.c.id).where(owner)).scalar()
    if instance_id is None:
        return
    connection.execute(
        sql_delete(_table).where(
            _table.c.instance_id == instance_id,
            _table.c.protocol == copy.protocol,
            _table.c.username == copy.username,
        )
    )
    connection.execute(
        sql_insert(_table).values(
            instance_id=instance_id, protocol=copy.protocol, username=copy.username, sent_at=copy.sent_at
        )
    )


def list_for(connection: Connection, project: str, instance: str) -> list[SentCopy]:
    """Return those of an instance, newest first."""
    joined = _table.join(_instances, _instances.c.id == _table.c.instance_id)
    query = select(_table).select_from(joined).where(_instances.c.project == project, _instances.c.name == instance)
    return [
        SentCopy(protocol=row.protocol, username=row.username, sent_at=row.sent_at)
        for row in connection.execute(query.order_by(_table.c.sent_at.desc(), _table.c.id))
    ]
