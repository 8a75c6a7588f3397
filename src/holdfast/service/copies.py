"""Copies of instances on this server: of all, with or without snapshots, or of one snapshot; also into another pool."""

from __future__ import annotations

from dataclasses import replace

from holdfast.model.errors import BadRequestError, GoneProfileError, NotFoundError, ProfileNotFoundError
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_keys import copied_config
from holdfast.model.operation import Operation
from holdfast.model.root_disk import root_size_bytes
from holdfast.service.caller import Caller
from holdfast.service.copy_content import ContentCopy
from holdfast.service.instance_building import Builder, NewInstance
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock
from holdfast.service.move import Mover
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.power import PowerService
from holdfast.service.refresh import Refresher
from holdfast.service.resources import instance_resources
from holdfast.service.surroundings import Surroundings
from holdfast.storage.driver import Driver


class CopyService:
    """Copies instances."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        builder: Builder,
        content: ContentCopy,
        refresher: Refresher,
        mover: Mover,
        power: PowerService,
    ) -> None:
        self._around, self._builder, self._content, self._power = surroundings, builder, content, power
        self._refresher = refresher
        self.move = mover.move

    def copy(self, caller: Caller, request: InstanceRequest, source: FromCopy) -> Operation:
        """Start to copy; a source that isn't there is refused before this returns."""
        if source.refresh and source.snapshot is not None:
            raise BadRequestError("An instance can't be refreshed from a snapshot: leave the snapshot or --refresh out")
        project = source.project or caller.project
        found = self._around.instance(project, source.name)
        if source.snapshot is not None:
            self._snapshot(found, source.snapshot)
        if request.type is not None and request.type is not found.type:
            raise BadRequestError("Instance type should not be specified or should match source type")

        def work(handle: OperationHandle) -> None:
            names = (instance_lock(project, source.name), instance_lock(caller.project, request.name))
            if source.refresh and self._around.exists(caller.project, request.name):
                with self._around.locks.hold(*names, what="copy"):
                    self._refresh(caller, request, source, handle)
                return
            with self._builder.keeping(lambda: self._plan(caller, request, source), names) as new:
                self._copy(caller, request, source, new, handle)

        resources = {
            kind: (*urls, *instance_resources(project, source.name, instance_type=found.type).get(kind, ()))
            for kind, urls in instance_resources(caller.project, request.name, instance_type=found.type).items()
        }
        return self._around.operations.start(caller, "Creating instance", work, resources=resources, may_cancel=True)

    def _refresh(self, caller: Caller, request: InstanceRequest, source: FromCopy, handle: OperationHandle) -> None:
        found = self._around.instance(source.project or caller.project, source.name)
        target = self._around.instance(caller.project, request.name)
        self._refresher.refresh(
            caller,
            found,
            target,
            handle,
            instance_only=source.instance_only,
            keep_snapshots=source.keep_snapshots,
        )

    def _copy(
        self, caller: Caller, request: InstanceRequest, source: FromCopy, new: NewInstance, handle: OperationHandle
    ) -> None:
        found = self._around.instance(source.project or caller.project, source.name)
        self._builder.build(caller, new, lambda driver, intent: self._fill(driver, intent, new, found, source, handle))
        if request.start:
            self._power.start_now(caller, self._around.instance(caller.project, request.name))

    def _plan(self, caller: Caller, request: InstanceRequest, source: FromCopy) -> NewInstance:
        found = self._around.instance(source.project or caller.project, source.name)
        origin = found if source.snapshot is None else _as_instance(found, self._snapshot(found, source.snapshot))
        request = replace(
            request,
            architecture=origin.architecture,
            devices={**origin.devices, **request.devices},
            profiles=origin.profiles if request.profiles is None else request.profiles,
        )
        try:
            new = self._builder.plan(caller.project, request, copied_config(origin.config), "copy")
        except ProfileNotFoundError as error:
            if error.name not in origin.profiles:
                self._builder.check_profiles(caller.project, request)
            what = f"A copy of {source.name}" + (f"/{source.snapshot}" if source.snapshot else "")
            remedy = "or copy with other profiles (`--profile`, `--no-profiles`)"
            raise GoneProfileError(what, error.name, remedy) from error
        if found.project == caller.project:
            new = replace(new, former_devices=origin.devices)
        if source.instance_only or source.snapshot is not None:
            return new
        pool = new.instance.pool
        return replace(new, snapshots=tuple(self._in_pool(each, found, pool) for each in self._snapshots(found)))

    def _in_pool(self, snapshot: Snapshot, owner: Instance, pool: str) -> Snapshot:
        """Return a snapshot's record with its root disk in a pool; a hold goes with it: it may have expired."""
        return self._content.snapshot_in_pool(snapshot, owner.project, pool)

    def _fill(
        self,
        driver: Driver,
        intent: Intent,
        new: NewInstance,
        found: Instance,
        source: FromCopy,
        handle: OperationHandle,
    ) -> None:
        self._content.stage(
            intent,
            found,
            new.instance,
            [each.name for each in new.snapshots],
            handle,
            last=source.snapshot,
            may_freeze=not source.allow_inconsistent,
        )
        size_bytes = root_size_bytes(expand_devices(new.profiles, new.instance.devices))
        driver.set_staged_quota(intent.token(len(new.snapshots)), size_bytes)
        handle.check()
        handle.set_may_cancel(may_cancel=False)

    def _snapshots(self, instance: Instance) -> list[Snapshot]:
        return self._around.snapshot_list(instance)

    def _snapshot(self, instance: Instance, name: str) -> Snapshot:
        for snapshot in self._snapshots(instance):
            if snapshot.name == name:
                return snapshot
        raise NotFoundError(f"Snapshot {instance.name}/{name} does not exist")


def _as_instance(instance: Instance, snapshot: Snapshot) -> Instance:
    return replace(
        instance,
        architecture=snapshot.architecture,
        config=snapshot.config,
        devices=snapshot.devices,
        profiles=snapshot.profiles,
        description=snapshot.instance_description,
    )
