"""Restore: the snapshot's content is built beside the instance's, swapped in by one rename, and then recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.model.errors import BadRequestError, HoldfastError, NotFoundError, ProfileNotFoundError
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import POWER_KEY, check_instance_devices
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.model.root_disk import root_in_pool, root_size_bytes
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.power import RUNNING, STOPPED, PowerService
from holdfast.service.resources import instance_resources
from holdfast.service.surroundings import Surroundings, key_of, volume_of
from holdfast.storage.driver import Origin

INTENT_KIND: Final = "restore"


class RestoreService:
    """Takes instances back to their snapshots."""

    def __init__(self, surroundings: Surroundings, power: PowerService) -> None:
        self._around, self._power = surroundings, power

    def restore(self, caller: Caller, instance: str, snapshot: str, *, stateful: bool = False) -> Operation:
        """Start; `snapshot` is bare ("snap0") or full ("c1/snap0"). A running instance is stopped and started again."""
        found = self._around.instance(caller.project, instance)
        name = snapshot.removeprefix(f"{instance}/")

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "restore") as current:
                self._restore(caller, current, name, handle, stateful=stateful)

        resources = instance_resources(caller.project, instance, instance_type=found.type)
        return self._around.operations.start(caller, "Restoring snapshot", work, resources=resources)

    def _restore(
        self, caller: Caller, instance: Instance, name: str, handle: OperationHandle, *, stateful: bool
    ) -> None:
        snapshot = next((each for each in self._around.snapshot_list(instance) if each.name == name), None)
        if snapshot is None:
            raise NotFoundError(f"Snapshot {instance.name}/{name} does not exist")
        if stateful and not snapshot.stateful:
            raise BadRequestError("Stateful snapshot restore requested by snapshot is stateless")
        restored, size_bytes = self._plan(instance, snapshot)
        driver, volume = self._around.driver(instance), volume_of(instance)
        intent = self._around.intents.open(
            INTENT_KIND, {"project": instance.project, "instance": instance.name, "snapshot": name}
        )
        was_running = False
        with self._power.staying(instance):
            try:
                reach("restore:intent")
                is_at_rest = self._around.status(instance) is StatusCode.STOPPED
                staged = driver.stage(
                    intent.token(),
                    Origin(volume=volume, snapshot=name),
                    resembling=volume if is_at_rest else None,
                    cancelled=handle.is_cancelled,
                )
                driver.set_staged_quota(intent.token(), size_bytes)
                reach("restore:staged")
                driver.sync(intent.token())
                was_running = self._around.status(instance) is not StatusCode.STOPPED
                intent.note(staged=driver.identity(staged), was_running=was_running)
                reach("restore:synced")
                if was_running:
                    self._around.runtime.kill(key_of(instance))
                driver.swap(intent.token(), volume)
                reach("restore:swapped")
                current = self._commit(intent, restored)
            except BaseException:
                try:
                    self.finish(intent)
                finally:
                    if was_running:
                        self._start_again(instance)
                raise
            try:
                self._around.tell(caller, instance, "restored", snapshot=f"{instance.name}/{name}")
                if was_running:
                    self._start(caller, current)
            finally:
                driver.discard(intent.token())

    def finish(self, intent: Intent) -> None:
        """End a restore that was cut: with the swap done it is recorded, else the new content goes. Idempotent."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(instance)
        staged = intent.payload.get("staged")
        if staged is not None and staged == driver.identity(driver.path(volume_of(instance))):
            name = intent.text("snapshot")
            snapshot = next(each for each in self._around.snapshot_list(instance) if each.name == name)
            self._commit(intent, self._plan(instance, snapshot)[0])
        else:
            self._around.intents.close(intent)
        driver.discard(intent.token())

    def _plan(self, instance: Instance, snapshot: Snapshot) -> tuple[Instance, int | None]:
        """Return the record after the restore and its size limit; checked: a snapshot may have come from outside."""
        try:
            profiles = self._around.profiles.for_instance(instance.project, snapshot.profiles)
        except ProfileNotFoundError as error:
            raise BadRequestError(
                f'Snapshot {instance.name}/{snapshot.name} needs the profile "{error.name}", which is gone: '
                "make one of this name, then restore"
            ) from error
        restored = replace(
            instance,
            architecture=snapshot.architecture,
            description=snapshot.description,
            config=snapshot.config,
            devices=root_in_pool(snapshot.devices, profiles, instance.pool),
            profiles=snapshot.profiles,
            ephemeral=snapshot.ephemeral,
            stateful=False,
        )
        check_instance_config(restored.config, is_imported=True)
        check_instance_devices(restored, profiles)
        return restored, root_size_bytes(expand_devices(profiles, restored.devices))

    def _commit(self, intent: Intent, restored: Instance) -> Instance:
        """Write the record; it says RUNNING for what must be started again, so that a crash in between is made good."""
        power = RUNNING if intent.payload.get("was_running") else STOPPED
        restored = replace(restored, config={**restored.config, POWER_KEY: power})
        with self._around.database.write() as connection:
            instances_table.update(connection, restored)
            self._around.intents.close(intent, connection)
        reach("restore:committed")
        return restored

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
