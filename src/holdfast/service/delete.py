"""Deleting an instance with its snapshots, former state and exports. Once its volume is withdrawn, the rest follows."""

from __future__ import annotations

import shutil
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.model.backup import BackupOwner
from holdfast.model.config_values import is_true
from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance
from holdfast.model.operation import Operation
from holdfast.service.backup_files import BackupFiles
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.former_states import FormerStates
from holdfast.service.holds import check_none_held
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources
from holdfast.service.surroundings import Surroundings, key_of, volume_of
from holdfast.service.taking_back import discard_all
from holdfast.service.transfer_bases import TransferBases

INTENT_KIND: Final = "instance-delete"
_RUNNING: Final = "Instance is running"
_SNAPSHOTS: Final = 1


class Deleter:
    """Deletes instances."""

    def __init__(
        self,
        surroundings: Surroundings,
        backup_files: BackupFiles,
        former_states: FormerStates,
        bases: TransferBases,
    ) -> None:
        self._around, self._backup_files, self._former = surroundings, backup_files, former_states
        self._bases = bases

    def delete(self, caller: Caller, name: str) -> Operation:
        """Start to delete a stopped instance."""
        instance = self._around.instance(caller.project, name)
        self._around.require_stopped(instance, _RUNNING)
        check_none_held(instance, self._around.snapshot_list(instance))

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, name, "delete") as current:
                self._around.require_stopped(current, _RUNNING)
                if is_true(self._around.expanded(current).config.get("security.protection.delete")):
                    raise BadRequestError("Instance is protected from being deleted")
                self.remove(caller, current)

        resources = instance_resources(caller.project, name, instance_type=instance.type)
        return self._around.operations.start(caller, "Deleting instance", work, resources=resources)

    def remove(self, caller: Caller | None, instance: Instance) -> None:
        """Remove a stopped instance that the caller holds. Refused while its pool, or that of export files, is away."""
        self._around.driver(instance)
        self._backup_files.place.root()
        there = self._around.snapshot_list(instance)
        check_none_held(instance, there)
        snapshots = [snapshot.name for snapshot in there]
        intent = self._around.intents.open(
            INTENT_KIND,
            {"project": instance.project, "instance": instance.name},
        )
        try:
            reach("instance-delete:intent")
            self.finish(intent)
        except Exception:
            if self._is_untouched(instance):
                self._around.intents.close(intent)  # it isn't to go when it is next touched
                raise
            self._finish_again(intent)
        for snapshot in reversed(snapshots):
            self._around.tell_snapshot(caller, instance, snapshot, "deleted")
        self._around.tell(caller, instance, "deleted")

    def _is_untouched(self, instance: Instance) -> bool:
        """Tell whether the volume, which goes first, is still there."""
        return self._around.driver(instance).exists(volume_of(instance))

    def _finish_again(self, intent: Intent) -> None:
        """Go on after a failure, from where it was: what is withdrawn can't come back. Recorded already: nothing."""
        if self._around.intents.is_open(intent):
            self.finish(intent)

    def finish(self, intent: Intent) -> None:
        """Do it, or what a crash left of it. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        driver, former = self._around.driver(instance), self._former.find(instance)
        driver.withdraw_all(volume_of(instance), intent.token(), intent.token(_SNAPSHOTS))
        reach("instance-delete:withdrawn")
        self._backup_files.remove_all(BackupOwner(project=instance.project, name=instance.name))
        shutil.rmtree(self._around.paths.instance_logs(instance.project, instance.name), ignore_errors=True)
        self._around.runtime.forget(key_of(instance))
        with self._around.database.write() as connection:
            instances_table.delete(connection, instance.project, instance.name)
            self._around.intents.close(intent, connection)
        reach("instance-delete:committed")
        discard_all(driver, intent.token(), intent.token(_SNAPSHOTS))
        self._former.drop_tree(former)
        self._bases.discard_unrecorded(driver)
