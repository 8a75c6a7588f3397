"""Two points of an instance or custom volume, compared."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.client.connection import Connection
from holdfast.client.owners import Owner, path_below
from holdfast.client.shapes import Changes


class Comparisons:
    """Compares snapshots with one another and with now."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def pages(self, owner: Owner, before: str, after: str = "", path: str = "/") -> Iterator[Changes]:
        """Yield what differs between two snapshots, or a snapshot and now (`after` ""), page by page."""
        offset: int | None = 0
        while offset is not None:
            query = {"from": before, "to": after, "path": path, "offset": str(offset)}
            page = self._connection.get(Changes, path_below(owner, "changes"), query)
            yield page
            offset = page["next_offset"]
