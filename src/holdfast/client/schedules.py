"""Schedules of snapshots: what runs next, what ran last."""

from __future__ import annotations

from holdfast.client.connection import Connection, path_of
from holdfast.client.shapes import SnapshotSchedule


class Schedules:
    """The schedules of one project."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, all_projects: bool = False) -> list[SnapshotSchedule]:
        """Return the schedules of instances and custom volumes."""
        query = {"recursion": "1", "all-projects": "true"} if all_projects else {"recursion": "1"}
        return self._connection.get(list[SnapshotSchedule], path_of("snapshot-schedules"), query)
