"""Moving a stopped instance to another pool: built there beside, recorded there, and only then removed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import BadRequestError, ConflictError, PoolNotFoundError, UnsupportedError
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.names import check_instance_name
from holdfast.model.operation import Operation
from holdfast.model.root_disk import root_in_pool, root_size_bytes
from holdfast.service.caller import Caller
from holdfast.service.copy_content import ContentCopy
from holdfast.service.crashpoints import reach
from holdfast.service.former_states import FormerStates
from holdfast.service.instance_requests import MoveRequest
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock, pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.rename import Renamer
from holdfast.service.resources import instance_url
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import take_back
from holdfast.service.transfer_bases import TransferBases
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "instance-move"


class Mover:
    """Moves instances between the pools of this server."""

    def __init__(
        self,
        surroundings: Surroundings,
        content: ContentCopy,
        renamer: Renamer,
        former_states: FormerStates,
        bases: TransferBases,
    ) -> None:
        self._around, self._content, self._renamer = surroundings, content, renamer
        self._former, self._bases = former_states, bases

    def move(self, caller: Caller, name: str, request: MoveRequest) -> Operation:
        """Start to move; without a pool, or to another project, it is one that this server doesn't do."""
        found = self._around.instance(caller.project, name)
        if request.project and request.project != caller.project:
            raise UnsupportedError("Moves between projects aren't served: copy the instance, then delete it")
        if not request.pool:
            raise UnsupportedError("Moves between servers aren't served: export the instance here, import it there")
        new_name = check_instance_name(request.name or name)
        self._around.pools.get(request.pool)

        def work(handle: OperationHandle) -> None:
            names = (instance_lock(caller.project, name), instance_lock(caller.project, new_name))
            locks = self._around.locks
            with locks.hold(pool_lock(request.pool), shared=True, what="move"), locks.hold(*names, what="move"):
                self._move(caller, self._around.instance(caller.project, name), new_name, request.pool, handle)

        resources = {"instances": [instance_url(caller.project, found.name)]}
        return self._around.operations.start(caller, "Migrating instance", work, resources=resources)

    def _move(self, caller: Caller, instance: Instance, new_name: str, pool: str, handle: OperationHandle) -> None:
        self._around.require_stopped(instance, "Migration operation failure: Instance is running: stop it first")
        if new_name != instance.name:
            if self._around.exists(instance.project, new_name):
                raise ConflictError(f'Name "{new_name}" already in use')
            instance = self._renamer.carry_out(caller, instance, new_name)
        if pool != instance.pool:
            self._to_pool(caller, instance, pool, handle)

    def _to_pool(self, caller: Caller, instance: Instance, pool: str, handle: OperationHandle) -> None:
        snapshots, former = self._around.snapshot_list(instance), self._former.find(instance)
        driver = self._around.pools.driver(pool)
        if driver.exists(volume_of(instance)):
            raise ConflictError("Volume already exists on storage but not in database")
        profiles = self._around.profiles.for_instance(instance.project, instance.profiles)
        moved = replace(instance, pool=pool, devices=root_in_pool(instance.devices, profiles, pool))
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "instance": instance.name,
                "from": instance.pool,
                "to": pool,
                "snapshots": [each.name for each in snapshots],
            },
        )
        try:
            reach("instance-move:intent")
            self._content.stage(intent, instance, moved, [each.name for each in snapshots], handle)
            size_bytes = root_size_bytes(expand_devices(profiles, moved.devices))
            driver.set_staged_quota(intent.token(len(snapshots)), size_bytes)
            reach("instance-move:staged")
            self._publish(driver, intent, moved, snapshots)
            reach("instance-move:published")
            self._record(moved, snapshots)
        except BaseException:
            self.finish(intent)
            raise
        reach("instance-move:committed")
        self.finish(intent)
        self._former.drop_tree(former)
        self._bases.discard_unrecorded(self._around.driver(instance))
        self._around.tell(caller, moved, "updated")

    def _publish(self, driver: Driver, intent: Intent, moved: Instance, snapshots: Sequence[Snapshot]) -> None:
        for number in range(len(snapshots) + 1):
            driver.sync(intent.token(number))
        for number, snapshot in enumerate(snapshots):
            driver.publish_snapshot(intent.token(number), volume_of(moved), snapshot.name)
        driver.publish(intent.token(len(snapshots)), volume_of(moved))

    def _record(self, moved: Instance, snapshots: Sequence[Snapshot]) -> None:
        there = [self._content.snapshot_in_pool(each, moved.project, moved.pool) for each in snapshots]
        with self._around.database.write() as connection:
            instances_table.update(connection, moved)
            self._former.put(connection, moved, None)
            self._bases.forget(connection, moved)
            for snapshot in there:
                snapshots_table.update(connection, moved.project, moved.name, snapshot)

    def finish(self, intent: Intent) -> None:
        """Remove the side where the record says that the instance is not. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        left = intent.text("from") if instance.pool == intent.text("to") else intent.text("to")
        if left == instance.pool:
            raise BadRequestError(f"Instance {instance.name} is in neither pool of its move")
        try:
            driver, volume = self._around.pools.driver(left), volume_of(instance)
        except PoolNotFoundError:  # deleted since, and all that was in it
            self._around.intents.close(intent)
            return
        for number, name in enumerate((*intent.texts("snapshots"), None)):
            take_back(driver, volume, intent.token(number), name)
        self._around.intents.close(intent)
