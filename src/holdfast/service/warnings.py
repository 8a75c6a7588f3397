"""Warnings: raised by work that nobody waits for, resolved when it succeeds again, seen and removed by people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.db import warnings as warnings_table
from holdfast.db.database import Connection, Database
from holdfast.model.clock import Clock
from holdfast.model.errors import WarningNotFoundError
from holdfast.model.warning import WarningRecord, WarningStatus
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.resources import url

_INSTANCES: Final = url("instances") + "/"
_EVENT: Final = {WarningStatus.ACKNOWLEDGED: "warning-acknowledged", WarningStatus.NEW: "warning-reset"}


class WarningService:
    """Keeps warnings; thread-safe. Not to be called inside a writing transaction: it opens its own.

    `entity` is the URL of what a warning is about, as `service.resources` makes it, "" for the server. A warning goes
    with its entity.
    """

    def __init__(self, *, database: Database, events: EventBus, clock: Clock) -> None:
        self._database, self._events, self._clock = database, events, clock

    def raise_(self, project: str | None, kind: str, entity: str, message: str) -> None:
        """Tell that this happened, maybe again. About an instance that has gone meanwhile, nothing is told."""
        now, path = self._clock.now(), path_of(entity)
        with self._database.write() as connection:
            if project is not None and _has_gone(connection, project, path):
                return
            found = warnings_table.find(connection, project, kind, path)
            if found is None:
                told = WarningRecord(
                    id=str(uuid.uuid4()),
                    project=project,
                    kind=kind,
                    entity=path,
                    message=message,
                    first_seen_at=now,
                    last_seen_at=now,
                )
                warnings_table.insert(connection, told)
                verb = "created"
            else:
                is_back = found.status is WarningStatus.RESOLVED
                told = replace(
                    found,
                    message=message,
                    occurrences=found.occurrences + 1,
                    last_seen_at=now,
                    status=WarningStatus.NEW if is_back else found.status,
                )
                warnings_table.update(connection, told)
                verb = "reset" if is_back else "updated"
        self._tell(verb, told)

    def keep_up(self, project: str | None, kind: str, entity: str, message: str) -> None:
        """Tell of a state that lasts: once, and again only if what is to be said of it has changed."""
        with self._database.read() as connection:
            found = warnings_table.find(connection, project, kind, path_of(entity))
        if found is None or found.status is WarningStatus.RESOLVED or found.message != message:
            self.raise_(project, kind, entity, message)

    def resolve(self, project: str | None, kind: str, entity: str) -> None:
        """Tell that it is right again. Nothing to resolve: nothing."""
        path = path_of(entity)
        with self._database.read() as connection:
            found = warnings_table.find(connection, project, kind, path)
        if found is None or found.status is WarningStatus.RESOLVED:
            return  # what succeeds as ever must not wait for the one writer
        with self._database.write() as connection:
            found = warnings_table.find(connection, project, kind, path)
            if found is not None:
                warnings_table.update(connection, replace(found, status=WarningStatus.RESOLVED))
        if found is not None:
            self._tell("resolved", found)

    def list(self, project: str | None) -> Sequence[WarningRecord]:
        """Return those of a project, all there are when None."""
        with self._database.read() as connection:
            return warnings_table.list_all(connection, project)

    def get(self, warning_id: str) -> WarningRecord:
        with self._database.read() as connection:
            return _get(connection, warning_id)

    def acknowledge(self, caller: Caller, warning_id: str) -> None:
        """Note that somebody has seen it."""
        self._mark(caller, warning_id, WarningStatus.ACKNOWLEDGED)

    def reset(self, caller: Caller, warning_id: str) -> None:
        """Note that it shall be seen again."""
        self._mark(caller, warning_id, WarningStatus.NEW)

    def delete(self, caller: Caller, warning_id: str) -> None:
        """Remove it; it comes back if it happens again."""
        with self._database.write() as connection:
            if not warnings_table.delete(connection, warning_id):
                raise WarningNotFoundError(warning_id)
        self._events.lifecycle(caller, "default", "warning-deleted", url("warnings", warning_id))

    def _tell(self, verb: str, warning: WarningRecord) -> None:
        """Publish what the server did by itself; for those only who may see warnings."""
        context = {"type": warning.kind, "entity": warning.entity, "project": warning.project}
        self._events.lifecycle(None, None, f"warning-{verb}", url("warnings", warning.id), **context)

    def _mark(self, caller: Caller, warning_id: str, status: WarningStatus) -> None:
        with self._database.write() as connection:
            warnings_table.update(connection, replace(_get(connection, warning_id), status=status))
        self._events.lifecycle(caller, "default", _EVENT[status], url("warnings", warning_id))


def path_of(entity: str) -> str:
    """Return a URL without its project, which warnings keep apart."""
    return entity.partition("?")[0]


def _has_gone(connection: Connection, project: str, path: str) -> bool:
    """Tell whether this is about an instance that isn't there: its deletion may have overtaken the failing work."""
    if not path.startswith(_INSTANCES):
        return False
    name = path.removeprefix(_INSTANCES).partition("/")[0]
    return instances_table.get(connection, project, name) is None


def _get(connection: Connection, warning_id: str) -> WarningRecord:
    found = warnings_table.get(connection, warning_id)
    if found is None:
        raise WarningNotFoundError(warning_id)
    return found
