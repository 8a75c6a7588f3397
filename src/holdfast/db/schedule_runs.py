"""Queries on what became of schedules, of instances, custom volumes and protections alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, and_, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.model.schedule_run import ScheduleRun

Key = tuple[str, ...]
"""What an owner is found by: the values of its `Owners.key`."""

_table = tables.schedule_runs


@dataclass(frozen=True, slots=True)
class Owners:
    """A table whose rows have schedules: `column` of the runs points to it, `key` are the columns that name a row."""

    table: Table
    column: Column[int]
    key: tuple[Column[str], ...]

    def named(self, key: Key) -> ColumnElement[bool]:
        return and_(*(column == value for column, value in zip(self.key, key, strict=True)))


INSTANCES: Final = Owners(tables.instances, _table.c.instance_id, (tables.instances.c.project, tables.instances.c.name))
VOLUMES: Final = Owners(
    tables.volumes, _table.c.volume_id, (tables.volumes.c.pool, tables.volumes.c.project, tables.volumes.c.name)
)

PROTECTIONS: Final = Owners(tables.protections, _table.c.protection_id, (tables.protections.c.name,))


def list_all(connection: Connection, owners: Owners) -> dict[Key, list[ScheduleRun]]:
    """Return the runs of all owners of this kind, by their key."""
    labels = [column.label(f"owner_{number}") for number, column in enumerate(owners.key)]
    joined = _table.join(owners.table, owners.table.c.id == owners.column)
    found: dict[Key, list[ScheduleRun]] = defaultdict(list)
    for row in connection.execute(select(_table, *labels).select_from(joined).order_by(_table.c.schedule)):
        found[tuple(row[-len(labels) :])].append(_run(row))
    return dict(found)


def list_for(connection: Connection, owners: Owners, key: Key) -> list[ScheduleRun]:
    """Return the runs of one owner, by label; none for an owner that isn't there."""
    query = select(_table).where(_is_of(owners, key)).order_by(_table.c.schedule)
    return [_run(row) for row in connection.execute(query)]


def get(connection: Connection, owners: Owners, key: Key, schedule: str) -> ScheduleRun | None:
    row = connection.execute(select(_table).where(_is_of(owners, key) & (_table.c.schedule == schedule))).first()
    return None if row is None else _run(row)


def save(connection: Connection, owners: Owners, key: Key, run: ScheduleRun) -> None:
    """Write it, whether it was there or not. An owner that has gone: nothing."""
    values = _values(run)
    where = _is_of(owners, key) & (_table.c.schedule == run.schedule)
    if connection.execute(sql_update(_table).where(where).values(values)).rowcount:
        return
    owner_id = connection.execute(select(owners.table.c.id).where(owners.named(key))).scalar()
    if owner_id is not None:
        connection.execute(
            sql_insert(_table).values({**values, "schedule": run.schedule, owners.column.name: owner_id})
        )


def delete(connection: Connection, owners: Owners, key: Key, schedule: str) -> None:
    """Forget it. Absent: nothing."""
    connection.execute(sql_delete(_table).where(_is_of(owners, key) & (_table.c.schedule == schedule)))


def _is_of(owners: Owners, key: Key) -> ColumnElement[bool]:
    return owners.column == select(owners.table.c.id).where(owners.named(key)).scalar_subquery()


def _values(run: ScheduleRun) -> dict[str, object]:
    return {
        "rule": run.rule,
        "checked_until": run.checked_until,
        "last_due_at": run.last_due_at,
        "last_run_at": run.last_run_at,
        "last_success_at": run.last_success_at,
        "failures": run.failures,
        "error": run.error,
    }


def _run(row: Row[tuple[object, ...]]) -> ScheduleRun:
    return ScheduleRun(
        schedule=row.schedule,
        rule=row.rule,
        checked_until=row.checked_until,
        last_due_at=row.last_due_at,
        last_run_at=row.last_run_at,
        last_success_at=row.last_success_at,
        failures=row.failures,
        error=row.error,
    )
