"""Queries on former states: what instances were before their last restore. An instance has one at most."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from holdfast.db import tables
from holdfast.model.former_state import FormerState
from holdfast.model.instance import Instance
from holdfast.model.kinds import InstanceType

_table = tables.former_states
_instances = tables.instances
_with_instance = _table.join(_instances, _instances.c.id == _table.c.instance_id)
_columns = (
    _table,
    _instances.c.project.label("instance_project"),
    _instances.c.name.label("instance_name"),
    _instances.c.type.label("instance_type"),
    _instances.c.created_at.label("instance_created_at"),
)


def get(connection: Connection, project: str, instance: str) -> FormerState | None:
    """Return the former state of an instance; its record carries the name that the instance has now."""
    query = select(*_columns).select_from(_with_instance)
    row = connection.execute(query.where(_is(project, instance))).first()
    return None if row is None else _state(row)


def list_all(connection: Connection) -> list[FormerState]:
    """Return all, by the end of their time."""
    query = select(*_columns).select_from(_with_instance).order_by(_table.c.expires_at, _table.c.id)
    return [_state(row) for row in connection.execute(query)]


def put(connection: Connection, state: FormerState) -> None:
    """Write it in the place of the one that is there."""
    instance = state.instance
    delete(connection, instance.project, instance.name)
    found = connection.execute(select(_instances.c.id).where(_is(instance.project, instance.name))).scalar_one()
    payload = {
        "pool": state.pool,
        "token": state.token,
        "architecture": instance.architecture,
        "description": instance.description,
        "ephemeral": instance.ephemeral,
        "stateful": instance.stateful,
        "profiles": list(instance.profiles),
        "config": dict(instance.config),
        "devices": {name: dict(device) for name, device in instance.devices.items()},
    }
    values = {
        "instance_id": found,
        "snapshot": state.snapshot,
        "created_at": state.created_at,
        "expires_at": state.expires_at,
        "payload": json.dumps(payload, ensure_ascii=False),
    }
    connection.execute(sql_insert(_table).values(values))


def delete(connection: Connection, project: str, instance: str) -> None:
    """Remove it. Absent: nothing."""
    owner = select(_instances.c.id).where(_is(project, instance)).scalar_subquery()
    connection.execute(sql_delete(_table).where(_table.c.instance_id == owner))


def _is(project: str, instance: str) -> ColumnElement[bool]:
    return (_instances.c.project == project) & (_instances.c.name == instance)


def _state(row: Row[tuple[object, ...]]) -> FormerState:
    payload = json.loads(row.payload)
    instance = Instance(
        project=row.instance_project,
        name=row.instance_name,
        type=InstanceType(row.instance_type),
        architecture=payload["architecture"],
        description=payload["description"],
        created_at=row.instance_created_at,
        ephemeral=payload["ephemeral"],
        stateful=payload["stateful"],
        profiles=tuple(payload["profiles"]),
        config=payload["config"],
        devices=payload["devices"],
        pool=payload["pool"],
    )
    return FormerState(
        instance=instance,
        snapshot=row.snapshot,
        created_at=row.created_at,
        expires_at=row.expires_at,
        pool=payload["pool"],
        token=payload["token"],
    )
