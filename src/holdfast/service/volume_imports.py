"""Custom volumes from export files: checked, staged beside what is there, published, and recorded last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.reader import read_index
from holdfast.archive.volume_definition import VolumeDefinition
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.import_trees import check_form, stage_parts
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock, pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import volume_resources
from holdfast.service.volume_building import NewVolume, VolumeBuilder, new_uuid
from holdfast.service.volume_import_plan import plan_volume_import
from holdfast.service.volume_import_trees import definition_of, finish_trees, staged_volume
from holdfast.service.volume_store import VolumeStore
from holdfast.storage.driver import Driver
from holdfast.streams.growing import ArrivingFile


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
    adapt: Callable[[NewVolume], NewVolume]


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

    def restore_now(
        self,
        caller: Caller,
        upload: ArrivingFile,
        pool: str,
        name: str,
        adapt: Callable[[NewVolume], NewVolume],
        handle: OperationHandle,
    ) -> None:
        """Import the file under this name inside an operation that does more; it is removed as by `restore_file`."""
        try:
            task = replace(self._task(caller, upload, pool, name), adapt=adapt)
        except BaseException:
            upload.remove()
            raise
        self._work(task, handle)

    def _task(self, caller: Caller, upload: ArrivingFile, pool: str, name: str | None) -> _Import:
        index = read_index(upload)
        return _Import(
            caller=caller,
            file=upload,
            index=index,
            definition=definition_of(index),
            project=self._store.home(caller.project),
            pool=pool,
            name=name or index.name,
            adapt=lambda new: new,
        )

    def _plan(self, task: _Import) -> NewVolume:
        planned = plan_volume_import(
            task.definition,
            project=task.project,
            pool=task.pool,
            name=task.name,
            now=self._around.clock.now(),
            new_uuid=new_uuid,
        )
        return task.adapt(planned)

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
        stage_parts(task.file, task.index, [staged_volume(task.index, new, driver, intent)], handle)
        task.file.remove()  # not needed any more: what of it is only in memory needn't be written out below
        handle.set_may_cancel(may_cancel=False)
        handle.check()
        finish_trees(new, driver, intent)
