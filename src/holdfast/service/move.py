"""Moving a stopped instance to another project, as a rename is done, and to another pool.

In another pool it is built beside, recorded there, and only then removed here. Without its snapshots these go last: a
move that fails costs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

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
from holdfast.service.holds import check_none_held
from holdfast.service.instance_requests import MoveRequest
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock, pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.project_move import ProjectMoves
from holdfast.service.rename import Renamer
from holdfast.service.resources import instance_url
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import take_back
from holdfast.service.transfer_bases import TransferBases
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "instance-move"


class SnapshotRemover(Protocol):
    """What a move needs of snapshots: those that don't come along are deleted, of an instance that it holds alone."""

    def remove(self, caller: Caller | None, instance: Instance, name: str) -> None: ...


class Mover:
    """Moves instances between the pools of this server."""

    def __init__(
        self,
        surroundings: Surroundings,
        content: ContentCopy,
        renamer: Renamer,
        projects: ProjectMoves,
        snapshots: SnapshotRemover,
        former_states: FormerStates,
        bases: TransferBases,
    ) -> None:
        self._around, self._content, self._renamer, self._projects = surroundings, content, renamer, projects
        self._snapshots, self._former, self._bases = snapshots, former_states, bases

    def move(self, caller: Caller, name: str, request: MoveRequest) -> Operation:
        """Start to move; without a pool and a project it is one that this server doesn't do."""
        found = self._around.instance(caller.project, name)
        if not request.pool and not request.project:
            raise UnsupportedError("Moves between servers aren't served: export the instance here, import it there")
        new_name, project = check_instance_name(request.name or name), request.project or caller.project
        pool = request.pool or found.pool
        self._around.pools.get(pool)
        profiles = self._projects.profile_locks(found, project) if project != caller.project else []

        def work(handle: OperationHandle) -> None:
            names = (instance_lock(caller.project, name), instance_lock(project, new_name))
            locks = self._around.locks
            with locks.hold(*profiles, pool_lock(pool), shared=True, what="move"), locks.hold(*names, what="move"):
                instance = self._around.instance(caller.project, name)
                dropped = self._around.snapshot_list(instance) if request.instance_only else []
                check_none_held(instance, dropped)
                renamed = self._renamed(caller, instance, new_name, project)
                if request.pool and pool != renamed.pool:
                    self._to_pool(caller, renamed, pool, handle, instance_only=request.instance_only)
                    return
                for snapshot in dropped:
                    self._snapshots.remove(caller, renamed, snapshot.name)

        resources = {"instances": [instance_url(caller.project, found.name)]}
        return self._around.operations.start(caller, "Migrating instance", work, resources=resources)

    def _renamed(self, caller: Caller, instance: Instance, new_name: str, project: str) -> Instance:
        """Let it have the name and the project; one that has them already is returned as it is."""
        self._around.require_stopped(instance, "Migration operation failure: Instance is running: stop it first")
        if (project, new_name) == (instance.project, instance.name):
            return instance
        if self._around.exists(project, new_name):
            raise ConflictError(f'Name "{new_name}" already in use')
        if project == instance.project:
            return self._renamer.carry_out(caller, instance, replace(instance, name=new_name))
        with self._projects.planned(instance, project, new_name) as there:
            return self._renamer.carry_out(caller, instance, there.instance, there.snapshots)

    def _to_pool(
        self, caller: Caller, instance: Instance, pool: str, handle: OperationHandle, *, instance_only: bool
    ) -> None:
        there, former = self._around.snapshot_list(instance), self._former.find(instance)
        snapshots, dropped = ([], there) if instance_only else (there, [])
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
                "dropped": [each.name for each in dropped],
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
            self._record(moved, snapshots, dropped)
        except BaseException:
            self.finish(intent)
            raise
        reach("instance-move:committed")
        self.finish(intent)
        self._former.drop_tree(former)
        self._bases.discard_unrecorded(self._around.driver(instance))
        self._around.tell(caller, moved, "updated")
        for each in dropped:
            self._around.tell_snapshot(caller, moved, each.name, "deleted")

    def _publish(self, driver: Driver, intent: Intent, moved: Instance, snapshots: Sequence[Snapshot]) -> None:
        for number in range(len(snapshots) + 1):
            driver.sync(intent.token(number))
        for number, snapshot in enumerate(snapshots):
            driver.publish_snapshot(intent.token(number), volume_of(moved), snapshot.name)
        driver.publish(intent.token(len(snapshots)), volume_of(moved))

    def _record(self, moved: Instance, snapshots: Sequence[Snapshot], dropped: Sequence[Snapshot]) -> None:
        there = [self._content.snapshot_in_pool(each, moved.project, moved.pool) for each in snapshots]
        with self._around.database.write() as connection:
            instances_table.update(connection, moved)
            self._former.put(connection, moved, None)
            self._bases.forget(connection, moved)
            for snapshot in there:
                snapshots_table.update(connection, moved.project, moved.name, snapshot)
            for snapshot in dropped:
                snapshots_table.delete(connection, moved.project, moved.name, snapshot.name)

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
        names = intent.texts("snapshots")
        for number, dropped in enumerate(intent.texts("dropped"), start=len(names) + 1):
            take_back(driver, volume, intent.token(number), dropped)
        for number, name in enumerate((*names, None)):
            take_back(driver, volume, intent.token(number), name)
        self._around.intents.close(intent)
