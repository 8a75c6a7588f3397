"""Queries on the server's configuration: only what was set, defaults are in the table of keys."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from holdfast.db import tables
from holdfast.model.server_keys import BACKUPS_VOLUME_KEY

_table = tables.server_config


def get_all(connection: Connection) -> dict[str, str]:
    return {row.key: row.value for row in connection.execute(select(_table).order_by(_table.c.key))}


def backups_volume(connection: Connection) -> str:
    """Return the volume that keeps export files, "" for the server's own directory."""
    return get_all(connection).get(BACKUPS_VOLUME_KEY, "")


def set_all(connection: Connection, values: Mapping[str, str]) -> None:
    """Replace the configuration as a whole."""
    connection.execute(sql_delete(_table))
    if values:
        rows = [{"key": key, "value": value} for key, value in values.items()]
        connection.execute(sql_insert(_table), rows)
