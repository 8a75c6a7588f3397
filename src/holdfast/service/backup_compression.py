"""What an export is compressed with: the request says, then the project, then the server."""

from __future__ import annotations

from typing import Final

from holdfast.db import projects as projects_table
from holdfast.db.database import Database
from holdfast.service.server_config import ServerConfigService
from holdfast.streams.compression import CompressionChoice, parse

_KEY: Final = "backups.compression_algorithm"
_FALLBACK: Final = "gzip"


def chosen_compression(
    database: Database, server_config: ServerConfigService, project: str, asked: str
) -> CompressionChoice:
    """Return the choice; raise `BadRequestError` for what is no compression."""
    if asked:
        return parse(asked)
    with database.read() as connection:
        found = projects_table.get(connection, project)
    own = found.config.get(_KEY, "") if found else ""
    return parse(own or server_config.get(_KEY) or _FALLBACK)
