"""Schedules of snapshots: what runs next, what ran last."""

from __future__ import annotations

from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.shapes import SchedulePreview, SnapshotSchedule


class Schedules:
    """The schedules of one project."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, all_projects: bool = False) -> list[SnapshotSchedule]:
        """Return the schedules of instances and custom volumes."""
        query = {"recursion": "1", "all-projects": "true"} if all_projects else {"recursion": "1"}
        return self._connection.get(list[SnapshotSchedule], path_of("snapshot-schedules"), query)

    def preview(
        self, instance: str, rule: str, *, pattern: str = "", keep: str = "", expiry: str = "", count: int = 5
    ) -> SchedulePreview:
        """Return what a schedule would do; what is wrong with it stands in `errors`."""
        body = {
            "instance": instance,
            "schedule": rule,
            "pattern": pattern,
            "keep": keep,
            "expiry": expiry,
            "count": count,
        }
        answer = self._connection.request("POST", path_of("schedule-preview"), body=body)
        return cast(SchedulePreview, answer.metadata)
