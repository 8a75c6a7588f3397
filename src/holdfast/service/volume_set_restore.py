"""Taking an instance back to a snapshot together with the volumes that were snapshotted with it: all or none.

All trees are built beside, then swapped one after the other, the instance's first: from its swap on the restore goes
forward, whatever comes between. Staged trees: token 0 for the instance, token n for the n-th volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.model.disk_volumes import attached
from holdfast.model.errors import BadRequestError, ConflictError, HoldfastError, NotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import POWER_KEY
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.model.storage import Volume
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.former_states import FormerStates
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.power import RUNNING, STOPPED, PowerService
from holdfast.service.resources import instance_resources
from holdfast.service.restore import RestoreService
from holdfast.service.surroundings import key_of, volume_of
from holdfast.service.taking_back import discard_all, is_in_place, put_in_place
from holdfast.service.volume_building import limit
from holdfast.service.volume_devices import VolumeDevices
from holdfast.service.volume_set import members_of, payload_of_member
from holdfast.service.volume_set_members import Member, taken_with
from holdfast.service.volume_store import VolumeStore, lock_on
from holdfast.storage.driver import Driver, Origin

INTENT_KIND: Final = "volume-set-restore"

Tree = tuple[Driver, Volume]


class VolumeSetRestorer:
    """Restores instances with their volumes."""

    def __init__(
        self, store: VolumeStore, restorer: RestoreService, power: PowerService, former_states: FormerStates
    ) -> None:
        self._store, self._around = store, store.around
        self._restorer, self._power, self._former = restorer, power, former_states
        self._devices = VolumeDevices(store.around)

    def restore(self, caller: Caller, instance: str, snapshot: str, *, stateful: bool = False) -> Operation:
        """Start; a snapshot that no volumes were taken with is restored as ever."""
        found = self._around.instance(caller.project, instance)
        name = snapshot.removeprefix(f"{instance}/")
        record = next((each for each in self._around.snapshot_list(found) if each.name == name), None)
        if record is None or not attached(record.config):
            return self._restorer.restore(caller, instance, snapshot, stateful=stateful)

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "restore") as current:
                self._restore(caller, current, self._snapshot(current, name), handle)

        resources = instance_resources(caller.project, instance, instance_type=found.type)
        return self._around.operations.start(caller, "Restoring snapshot", work, resources=resources)

    def _snapshot(self, instance: Instance, name: str) -> Snapshot:
        for snapshot in self._around.snapshot_list(instance):
            if snapshot.name == name:
                return snapshot
        raise NotFoundError(f"Snapshot {instance.name}/{name} does not exist")

    def _restore(self, caller: Caller, instance: Instance, snapshot: Snapshot, handle: OperationHandle) -> None:
        names = [lock_on(member.volume) for member in self._members(instance, snapshot)]
        with self._around.locks.hold(*names, what="restore"):
            members = self._members(instance, snapshot)
            if any(lock_on(member.volume) not in names for member in members):
                raise ConflictError("The snapshot's volumes are changed by others meanwhile: try again")
            self._restorer.refuse_loss(instance, snapshot.name)
            restored, size_bytes = self._restorer.planned(instance, snapshot)
            self._devices.check(instance.project, self._around.expanded(restored).devices)
            self._carry_out(caller, instance, snapshot, restored, size_bytes, members, handle)

    def _members(self, instance: Instance, snapshot: Snapshot) -> Sequence[Member]:
        """Return what belongs to the snapshot; raises for what is gone, or used by others, too."""
        home, remedy = self._store.home(instance.project), "restore the root disk alone (disk volumes mode root)"
        with self._around.database.read() as connection:
            members = taken_with(connection, home, instance, snapshot, remedy=remedy)
        for member in members:
            self._check_exclusive(instance, member)
        return members

    def _check_exclusive(self, instance: Instance, member: Member) -> None:
        users = self._store.users(member.volume).instances
        others = [each.name for each in users if (each.project, each.name) != (instance.project, instance.name)]
        if others:
            raise BadRequestError(
                f'Volume "{member.volume.name}" is used by {", ".join(others)}, too: detach it there, or restore the '
                "root disk alone (disk volumes mode root)"
            )

    def _carry_out(
        self,
        caller: Caller,
        instance: Instance,
        snapshot: Snapshot,
        restored: Instance,
        size_bytes: int | None,
        members: Sequence[Member],
        handle: OperationHandle,
    ) -> None:
        self._around.driver(instance)
        for member in members:
            self._store.driver(member.volume)  # a pool that is away refuses it before there is an intent
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "instance": instance.name,
                "snapshot": snapshot.name,
                "members": [payload_of_member(each) for each in members],
            },
        )
        was_running = False
        with self._power.staying(instance):
            try:
                reach("volume-set-restore:intent")
                self._stage(intent, instance, snapshot, size_bytes, members, handle)
                was_running = self._around.status(instance) is not StatusCode.STOPPED
                trees = self._trees(intent, instance)
                staged = [driver.identity(driver.staged_path(intent.token(n))) for n, (driver, _) in enumerate(trees)]
                intent.note(staged=list(staged), was_running=was_running)
                reach("volume-set-restore:synced")
                if was_running:
                    self._around.runtime.kill(key_of(instance))
                self._swap(intent, trees)
                current = self._commit(intent, restored)
            except BaseException:
                try:
                    self.finish(intent)
                finally:
                    if was_running:
                        self._start_again(instance)
                raise
            try:
                self._tell(caller, instance, snapshot, members)
                if was_running:
                    self._start(caller, current)
            finally:
                self._discard(intent, trees)

    def _stage(
        self,
        intent: Intent,
        instance: Instance,
        snapshot: Snapshot,
        size_bytes: int | None,
        members: Sequence[Member],
        handle: OperationHandle,
    ) -> None:
        is_at_rest = self._around.status(instance) is StatusCode.STOPPED
        driver, root = self._around.driver(instance), volume_of(instance)
        driver.stage(
            intent.token(),
            Origin(volume=root, snapshot=snapshot.name),
            resembling=root if is_at_rest else None,
            cancelled=handle.is_cancelled,
        )
        driver.set_staged_quota(intent.token(), size_bytes)
        for number, member in enumerate(members, start=1):
            volume, token = member.volume, intent.token(number)
            self._store.driver(volume).stage(
                token,
                Origin(volume=volume.address, snapshot=member.snapshot.name),
                resembling=volume.address if is_at_rest else None,
                cancelled=handle.is_cancelled,
            )
            limit(self._store.driver(volume), token, volume.content_type, volume.config)
        reach("volume-set-restore:staged")
        for number, (each, _) in enumerate(self._trees(intent, instance)):
            each.sync(intent.token(number))

    def _swap(self, intent: Intent, trees: Sequence[Tree]) -> None:
        """Swap what isn't swapped yet, the instance's tree first."""
        staged = intent.payload["staged"]
        assert isinstance(staged, list)
        for number, (driver, volume) in enumerate(trees):
            if not is_in_place(driver, volume, staged[number]) and driver.staged_path(intent.token(number)).exists():
                put_in_place(driver, intent.token(number), volume)
            reach("volume-set-restore:swapping")
        reach("volume-set-restore:swapped")

    def finish(self, intent: Intent) -> None:
        """End a restore that was cut: complete it from the first swap on, else drop the new content. Idempotent."""
        if not self._around.intents.is_open(intent):
            return  # it failed after its records were written: there is nothing to be recorded again
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        trees = self._trees(intent, instance)
        staged, (driver, root) = intent.payload.get("staged"), trees[0]
        if isinstance(staged, list) and is_in_place(driver, root, staged[0]):
            self._swap(intent, trees)
            restored, _ = self._restorer.planned(instance, self._snapshot(instance, intent.text("snapshot")))
            self._commit(intent, restored)
        else:
            self._around.intents.close(intent)
        self._discard(intent, trees)

    def _trees(self, intent: Intent, instance: Instance) -> Sequence[Tree]:
        """Return driver and address of what the staged trees replace, in the order of their tokens."""
        volumes = [self._store.at(each["project"], each["pool"], each["volume"]) for each in members_of(intent)]
        root = (self._around.driver(instance), volume_of(instance))
        return [root, *((self._store.driver(volume), volume.address) for volume in volumes)]

    @staticmethod
    def _discard(intent: Intent, trees: Sequence[Tree]) -> None:
        for number, (driver, _) in enumerate(trees):
            discard_all(driver, intent.token(number))

    def _commit(self, intent: Intent, restored: Instance) -> Instance:
        """Write the record; it says RUNNING for what must be started again, so that a crash in between is made good.

        An undo of an earlier restore is over: it would bring the instance back alone, to volumes of another time.
        """
        former = self._former.find(restored)
        power = RUNNING if intent.payload.get("was_running") else STOPPED
        restored = replace(restored, config={**restored.config, POWER_KEY: power})
        with self._around.database.write() as connection:
            instances_table.update(connection, restored)
            self._former.put(connection, restored, None)
            self._around.intents.close(intent, connection)
        reach("volume-set-restore:committed")
        self._former.drop_tree(former)
        return restored

    def _tell(self, caller: Caller, instance: Instance, snapshot: Snapshot, members: Sequence[Member]) -> None:
        self._around.tell(caller, instance, "restored", snapshot=f"{instance.name}/{snapshot.name}")
        for member in members:
            name = f"{member.volume.name}/{member.snapshot.name}"
            self._store.tell(caller, member.volume, "restored", snapshot=name)

    def _start(self, caller: Caller, instance: Instance) -> None:
        try:
            self._power.start_now(caller, instance)
        except HoldfastError:
            self._around.save(replace(instance, config={**instance.config, POWER_KEY: STOPPED}))
            raise

    def _start_again(self, instance: Instance) -> None:
        """Bring an instance whose restore failed back as it was."""
        current = self._around.instance(instance.project, instance.name)
        if self._around.status(current) is StatusCode.STOPPED:
            self._power.start_now(None, current)
