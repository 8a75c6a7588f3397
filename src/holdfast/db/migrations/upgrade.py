"""Runs the schema steps at start. At head it is one query: Alembic is only imported when there is work."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from holdfast.model.errors import InternalError

HEAD: Final = "0012"
"""The newest step in `versions/`."""


def upgrade(connection: Connection) -> None:
    """Run the missing steps inside the given transaction."""
    current = _current(connection)
    if current == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise InternalError(
            f"The database is at step {current}, which this version of Holdfast doesn't know ({error}). "
            "It was used by a newer version: start that one, or restore the database from before."
        ) from error


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
