"""Queries on intents: what is under way."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.model.intent import IntentRecord
from holdfast.model.operation import JsonValue

_table = tables.intents


def list_all(connection: Connection) -> list[IntentRecord]:
    """Return the open ones, oldest first."""
    return [
        IntentRecord(id=row.id, kind=row.kind, payload=json.loads(row.payload), created_at=row.created_at)
        for row in connection.execute(select(_table).order_by(_table.c.created_at, _table.c.id))
    ]


def insert(connection: Connection, record: IntentRecord) -> None:
    values = {
        "id": record.id,
        "kind": record.kind,
        "payload": json.dumps(dict(record.payload)),
        "created_at": record.created_at,
    }
    connection.execute(sql_insert(_table).values(values))


def update(connection: Connection, intent_id: str, payload: Mapping[str, JsonValue]) -> None:
    """Write the payload."""
    connection.execute(sql_update(_table).where(_table.c.id == intent_id).values(payload=json.dumps(dict(payload))))


def delete(connection: Connection, intent_id: str) -> None:
    """Close it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_table.c.id == intent_id))
