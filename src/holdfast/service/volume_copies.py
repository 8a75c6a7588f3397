"""Copies of custom volumes on this server: of all, without snapshots, or of one snapshot; also into another pool."""

from __future__ import annotations

from dataclasses import replace

from holdfast.model.errors import BadRequestError, ConflictError
from holdfast.model.operation import Operation
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.service.caller import Caller
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock, pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import volume_resources
from holdfast.service.volume_building import TAKEN, NewVolume, VolumeBuilder, copied_snapshot, limit
from holdfast.service.volume_content import VolumeContent
from holdfast.service.volume_refresh import VolumeRefresher
from holdfast.service.volume_requests import VolumeRequest, VolumeSource
from holdfast.service.volume_store import VolumeStore, lock_on
from holdfast.storage.driver import Driver


class VolumeCopyService:
    """Copies volumes."""

    def __init__(
        self, store: VolumeStore, *, builder: VolumeBuilder, content: VolumeContent, refresher: VolumeRefresher
    ) -> None:
        self._store, self._around = store, store.around
        self._builder, self._content, self._refresher = builder, content, refresher

    def copy(self, caller: Caller, pool: str, request: VolumeRequest, source: VolumeSource) -> Operation:
        """Start to copy; a source that isn't there, or a name that is taken, is refused before this returns."""
        if source.refresh and source.snapshot is not None:
            raise BadRequestError("A volume can't be refreshed from a snapshot: leave the snapshot or --refresh out")
        found = self._find(caller, source)
        request = replace(request, content_type=found.content_type)
        target = self._builder.plan(caller.project, pool, request)
        is_there = self._store.exists(target.project, pool, target.name)
        if is_there and not source.refresh:
            raise ConflictError(TAKEN)

        def work(handle: OperationHandle) -> None:
            names = (lock_on(found), custom_volume_lock(pool, target.project, target.name))
            locks = self._around.locks
            with locks.hold(pool_lock(pool), shared=True, what="copy"), locks.hold(*names, what="copy"):
                origin = self._find(caller, source)
                if source.refresh and self._store.exists(target.project, pool, target.name):
                    there = self._store.at(target.project, pool, target.name)
                    self._refresher.refresh(
                        caller,
                        origin,
                        there,
                        handle,
                        volume_only=source.volume_only,
                        keep_snapshots=source.keep_snapshots,
                    )
                    return
                self._copy(caller, origin, self._builder.plan(caller.project, pool, request), source, handle)

        resources = volume_resources(pool, target.project, target.name)
        return self._around.operations.start(
            caller, "Copying storage volume", work, resources=resources, may_cancel=True
        )

    def _find(self, caller: Caller, source: VolumeSource) -> CustomVolume:
        found = self._store.get(source.project or caller.project, source.pool, source.name)
        if source.snapshot is not None:
            self._store.snapshot(found, source.snapshot)
        return found

    def _copy(
        self, caller: Caller, origin: CustomVolume, target: CustomVolume, source: VolumeSource, handle: OperationHandle
    ) -> None:
        taken: tuple[VolumeSnapshot, ...] = ()
        if source.snapshot is None and not source.volume_only:
            taken = tuple(copied_snapshot(each) for each in self._store.snapshots(origin))
        new = NewVolume(target, taken)

        def fill(driver: Driver, intent: Intent) -> None:
            names = [each.name for each in taken]
            self._content.stage(intent, origin, target, names, handle, last=source.snapshot)
            limit(driver, intent.token(len(taken)), target.content_type, target.config)
            handle.check()
            handle.set_may_cancel(may_cancel=False)

        self._builder.build(caller, new, fill)
