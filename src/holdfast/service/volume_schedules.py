"""Custom volumes as what schedules work on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from holdfast.db import projects as projects_table
from holdfast.db import schedule_runs
from holdfast.db import volume_snapshots as snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.schedule_runs import Key
from holdfast.model.retention import Kept
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_keys import UUID_KEY
from holdfast.model.warning import SCHEDULE_FAILED
from holdfast.service.caller import Caller
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import volume_resources, volume_url
from holdfast.service.scheduled import KEEP_KEY, Occasion, Subject
from holdfast.service.volume_snapshots import VolumeSnapshotService
from holdfast.service.volume_store import VolumeStore, lock_on


class VolumeSchedules:
    """Implements `Scheduled`; thread-safe."""

    owners = schedule_runs.VOLUMES
    warning_kind = SCHEDULE_FAILED

    def __init__(self, store: VolumeStore, snapshots: VolumeSnapshotService) -> None:
        self._store, self._around, self._snapshots = store, store.around, snapshots

    def subjects(self, project: str | None) -> list[Subject]:
        with self._around.database.read() as connection:
            keeps = {each.name: each.config.get(KEEP_KEY, "") for each in projects_table.list_all(connection)}
            volumes = volumes_table.list_all(connection, project=project)
        return [_subject(volume, keeps.get(volume.project, "")) for volume in volumes]

    def subject(self, project: str, pool: str, name: str) -> Subject:
        """Return one as the asking project sees it; it raises `VolumeNotFoundError` if there is none."""
        volume = self._store.get(project, pool, name)
        with self._around.database.read() as connection:
            found = projects_table.get(connection, volume.project)
        return _subject(volume, found.config.get(KEEP_KEY, "") if found else "")

    def exists(self, subject: Subject) -> bool:
        pool, project, name = subject.key
        return self._store.exists(project, pool, name)

    def is_wanted_now(self, subject: Subject) -> bool:
        """Tell that it is: a volume is there whether instances that show it run or not."""
        return True

    def kept(self, project: str | None) -> Mapping[Key, Sequence[Kept]]:
        with self._around.database.read() as connection:
            return snapshots_table.kept(connection, project)

    def kept_of(self, subject: Subject) -> Sequence[Kept]:
        with self._around.database.read() as connection:
            return snapshots_table.kept_of(connection, self._volume(subject))

    def take(self, subject: Subject, occasion: Occasion) -> None:
        pool, project, name = subject.key
        caller = Caller(project=project)

        def work(handle: OperationHandle) -> None:
            with self._store.alone(project, pool, name, "snapshot") as current:
                snapshot = self._snapshots.plan(current, "", None, occasion=occasion)
                self._snapshots.take(caller, current, snapshot, handle, record=occasion.record)

        self._around.operations.carry_out_here(
            caller, "Creating storage volume snapshot", work, resources=volume_resources(pool, project, name)
        )

    @contextmanager
    def holding(self, subject: Subject) -> Iterator[None]:
        with self._around.locks.hold(lock_on(self._volume(subject)), waiting_ok=False, what="snapshot delete"):
            self._volume(subject)
            yield

    def remove(self, subject: Subject, name: str) -> None:
        self._snapshots.remove(None, self._volume(subject), name)

    def _volume(self, subject: Subject) -> CustomVolume:
        pool, project, name = subject.key
        return self._store.at(project, pool, name)


def _subject(volume: CustomVolume, project_keep: str) -> Subject:
    return Subject(
        noun="volume",
        resource="storage_volumes",
        key=(volume.pool, volume.project, volume.name),
        project=volume.project,
        name=f"{volume.pool}/{volume.name}",
        url=volume_url(volume.pool, volume.project, volume.name),
        config={KEEP_KEY: project_keep, **volume.config} if project_keep else volume.config,
        identity=volume.config.get(UUID_KEY, volume.name),
    )
