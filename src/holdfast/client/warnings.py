"""Warnings: what went wrong while nobody asked."""

from __future__ import annotations

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import change
from holdfast.client.shapes import ServerWarning


class Warnings:
    """The warnings of the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[ServerWarning]:
        """Return those of the project; from the default project, those of the whole server."""
        return self._connection.get(list[ServerWarning], path_of("warnings"), {"recursion": "1"})

    def get(self, warning_id: str) -> ServerWarning:
        """Return one warning."""
        return self._connection.get(ServerWarning, path_of("warnings", warning_id))

    def acknowledge(self, warning_id: str) -> None:
        """Note that somebody has seen it."""
        change(self._connection, "PUT", path_of("warnings", warning_id), {"status": "acknowledged"})

    def delete(self, warning_id: str) -> None:
        """Remove it."""
        change(self._connection, "DELETE", path_of("warnings", warning_id))
