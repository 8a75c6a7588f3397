"""Instances as what schedules work on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from holdfast.db import projects as projects_table
from holdfast.db import schedule_runs
from holdfast.db import snapshots as snapshots_table
from holdfast.db.schedule_runs import Key
from holdfast.model.config_values import is_true
from holdfast.model.errors import InstanceNotFoundError
from holdfast.model.instance import Config, Instance
from holdfast.model.kinds import StatusCode
from holdfast.model.retention import Kept
from holdfast.model.warning import SCHEDULE_FAILED
from holdfast.service.caller import Caller
from holdfast.service.instance_reading import InstanceReader
from holdfast.service.locks import instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.paths import instance_key
from holdfast.service.resources import instance_resources, instance_url
from holdfast.service.scheduled import KEEP_KEY, Occasion, Subject
from holdfast.service.snapshots import SnapshotService
from holdfast.service.surroundings import Surroundings

_STOPPED_KEY: Final = "snapshots.schedule.stopped"
_IDENTITY_KEY: Final = "volatile.uuid"


class InstanceSchedules:
    """Implements `Scheduled`; thread-safe."""

    owners = schedule_runs.INSTANCES
    warning_kind = SCHEDULE_FAILED

    def __init__(self, surroundings: Surroundings, reader: InstanceReader, snapshots: SnapshotService) -> None:
        self._around, self._reader, self._snapshots = surroundings, reader, snapshots

    def subjects(self, project: str | None) -> list[Subject]:
        with self._around.database.read() as connection:
            keeps = {each.name: each.config.get(KEEP_KEY, "") for each in projects_table.list_all(connection)}
        return [
            _subject(instance, config, keeps.get(instance.project, ""))
            for instance, config in self._reader.configs(project)
        ]

    def subject(self, project: str, name: str) -> Subject:
        """Return one; it raises `InstanceNotFoundError` if there is none."""
        instance = self._around.instance(project, name)
        with self._around.database.read() as connection:
            found = projects_table.get(connection, project)
        return _subject(
            instance, self._around.expanded(instance).config, found.config.get(KEEP_KEY, "") if found else ""
        )

    def exists(self, subject: Subject) -> bool:
        return self._around.exists(subject.project, subject.name)

    def is_wanted_now(self, subject: Subject) -> bool:
        if is_true(subject.config.get(_STOPPED_KEY)):
            return True
        return self._around.runtime.status(instance_key(*subject.key)) is not StatusCode.STOPPED

    def kept(self, project: str | None) -> Mapping[Key, Sequence[Kept]]:
        with self._around.database.read() as connection:
            return snapshots_table.kept(connection, project)

    def kept_of(self, subject: Subject) -> Sequence[Kept]:
        with self._around.database.read() as connection:
            return snapshots_table.kept_of(connection, subject.project, subject.name)

    def take(self, subject: Subject, occasion: Occasion) -> None:
        caller = Caller(project=subject.project)

        def work(handle: OperationHandle) -> None:
            with self._around.alone(subject.project, subject.name, "snapshot") as current:
                self._snapshots.take(caller, current, "", None, handle, occasion=occasion)

        self._around.operations.carry_out_here(
            caller, "Snapshotting instance", work, resources=instance_resources(subject.project, subject.name)
        )

    @contextmanager
    def holding(self, subject: Subject) -> Iterator[None]:
        lock = instance_lock(subject.project, subject.name)
        with self._around.locks.hold(lock, waiting_ok=False, what="snapshot delete"):
            if not self.exists(subject):
                raise InstanceNotFoundError(subject.name)
            yield

    def remove(self, subject: Subject, name: str) -> None:
        instance = self._around.instance(subject.project, subject.name)
        self._snapshots.remove(None, instance, name)


def _subject(instance: Instance, config: Config, project_keep: str) -> Subject:
    """A project's rule to keep stands for those that have none, of their own or by a profile."""
    given = {KEEP_KEY: project_keep, **config} if project_keep else config
    return Subject(
        noun="instance",
        resource="instances",
        key=(instance.project, instance.name),
        project=instance.project,
        name=instance.name,
        url=instance_url(instance.project, instance.name),
        config=given,
        identity=instance.config.get(_IDENTITY_KEY, instance.name),
    )
