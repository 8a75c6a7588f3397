"""Custom volumes from export files: checked, staged beside what is there, published, and recorded last."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Final

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap, parse_host_map
from holdfast.archive.reader import read_index
from holdfast.archive.volume_definition import IDMAP_KEY, VolumeDefinition
from holdfast.model.errors import ArchiveError
from holdfast.model.kinds import ContentType
from holdfast.model.operation import Operation
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_keys import size_bytes
from holdfast.service.caller import Caller
from holdfast.service.import_trees import check_form, stage_trees
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock, pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import volume_resources
from holdfast.service.volume_building import NewVolume, VolumeBuilder, dress, limit, new_uuid
from holdfast.service.volume_import_plan import plan_volume_import
from holdfast.service.volume_store import VolumeStore
from holdfast.storage.block_file import make_disk_at_least
from holdfast.storage.driver import Driver
from holdfast.storage.failures import explained
from holdfast.streams.growing import ArrivingFile

_UNTOUCHED_MODE: Final = 0o100
"""Of a staged tree whose top isn't in the file: disks have none, and some writers leave it out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Import:
    """One import under way."""

    caller: Caller
    file: ArrivingFile
    index: ExportIndex
    definition: VolumeDefinition
    project: str
    pool: str
    name: str


class VolumeImportService:
    """Makes custom volumes from export files; thread-safe."""

    def __init__(self, store: VolumeStore, builder: VolumeBuilder) -> None:
        self._store, self._around, self._builder = store, store.around, builder

    def restore_file(self, caller: Caller, upload: ArrivingFile, pool: str, name: str | None = None) -> Operation:
        """Start to import the file; it becomes ours: it is removed at the end of the operation, or when this raises.

        It may still be on its way: the volume appears when all of it is here. What the file's format and index tell is
        checked before this returns, its content by the operation.
        """
        try:
            self._around.pools.get(pool)
            task = self._task(caller, upload, pool, name)
            self._plan(task)
            return self._around.operations.start(
                caller,
                "Restoring custom volume backup",
                lambda handle: self._work(task, handle),
                resources=volume_resources(pool, task.project, task.name),
                may_cancel=True,
                if_never_begun=upload.remove,
            )
        except BaseException:
            upload.remove()
            raise

    def _task(self, caller: Caller, upload: ArrivingFile, pool: str, name: str | None) -> _Import:
        index = read_index(upload)
        if index.volume is None:
            raise ArchiveError(
                f'The file holds the instance "{index.name}", not a custom volume: import it as an instance'
            )
        return _Import(
            caller=caller,
            file=upload,
            index=index,
            definition=index.volume,
            project=self._store.home(caller.project),
            pool=pool,
            name=name or index.name,
        )

    def _plan(self, task: _Import) -> NewVolume:
        return plan_volume_import(
            task.definition,
            project=task.project,
            pool=task.pool,
            name=task.name,
            now=self._around.clock.now(),
            new_uuid=new_uuid,
        )

    def _work(self, task: _Import, handle: OperationHandle) -> None:
        try:
            locks = self._around.locks
            with (
                locks.hold(pool_lock(task.pool), shared=True, what="create"),
                locks.hold(custom_volume_lock(task.pool, task.project, task.name), what="create"),
            ):
                new = self._plan(task)
                check_form(task.index, self._store.driver(new.volume))
                self._builder.build(
                    task.caller, new, lambda driver, intent: self._fill(task, new, driver, intent, handle)
                )
        finally:
            task.file.remove()

    def _fill(self, task: _Import, new: NewVolume, driver: Driver, intent: Intent, handle: OperationHandle) -> None:
        volume = new.volume
        is_limited = volume.content_type is ContentType.FILESYSTEM
        quota_bytes = size_bytes(volume.config) if is_limited else None
        stage_trees(task.file, task.index, driver, intent, _host_maps(task.definition), quota_bytes, handle)
        task.file.remove()  # not needed any more: what of it is only in memory needn't be written out below
        handle.set_may_cancel(may_cancel=False)
        handle.check()
        self._finish_trees(volume, driver, intent, len(new.snapshots))

    def _finish_trees(self, volume: CustomVolume, driver: Driver, intent: Intent, count: int) -> None:
        for number in range(count + 1):
            tree = driver.staged_path(intent.token(number))
            if stat.S_IMODE(tree.stat().st_mode) == _UNTOUCHED_MODE:
                dress(tree)
        if volume.content_type is ContentType.BLOCK:
            with explained(volume.pool, f'making the disk of volume "{volume.name}"'):
                make_disk_at_least(driver.staged_path(intent.token(count)), size_bytes(volume.config) or 0)
        limit(driver, intent.token(count), volume.content_type, volume.config)


def _host_maps(definition: VolumeDefinition) -> dict[str | None, HostMap | None]:
    """Return the map of each tree's owners, snapshots first."""
    found: dict[str | None, HostMap | None] = {
        each.name: parse_host_map(each.config.get(IDMAP_KEY, "")) for each in definition.snapshots
    }
    return {**found, None: parse_host_map(definition.volume.config.get(IDMAP_KEY, ""))}
