"""An import in the place of an instance: all is built beside, then swapped in; what was there is kept for an undo.

Staged trees: token n for the n-th snapshot of the file, then its main tree, and after the swap the instance's; then one
that unpacking may use; then the n-th snapshot that the instance had; then those of volumes that come in the same file.
The swap is what decides: after it a crash is rolled forward.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from holdfast.archive.definition import Definition
from holdfast.archive.definition_text import read_definition, write_definition
from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import ConflictError
from holdfast.model.expand import expand_devices
from holdfast.model.former_state import FormerState
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import POWER_KEY
from holdfast.model.kinds import StatusCode
from holdfast.model.volume_use import attachments
from holdfast.service.attached_import_plan import Attached
from holdfast.service.attached_volumes import AttachedVolumes, locks_of_intent
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.former_states import FormerStates, has_room_to_spare
from holdfast.service.holds import check_none_held
from holdfast.service.import_plan import ImportPlan
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.power import RUNNING, STOPPED, PowerService
from holdfast.service.surroundings import Surroundings, key_of, volume_of
from holdfast.service.taking_back import discard_all, is_in_place, put_in_place
from holdfast.service.volume_devices import VolumeDevices
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "instance-replace"

_log = logging.getLogger(__name__)


class Replacer:
    """Puts imports in the place of instances that the caller holds alone."""

    def __init__(
        self,
        surroundings: Surroundings,
        power: PowerService,
        former_states: FormerStates,
        attached: AttachedVolumes,
    ) -> None:
        self._around, self._power, self._former, self._attached = surroundings, power, former_states, attached

    def replace(
        self,
        caller: Caller,
        instance: Instance,
        plan: ImportPlan,
        stage: Callable[[Intent], None],
        volumes: Sequence[Attached],
        handle: OperationHandle,
        replaced: Sequence[str] | None = None,
    ) -> None:
        """Let `stage` build the trees, then swap them in. A running instance is stopped for it and started again.

        `volumes` come with it, and enter beside what is there. Of the instance's snapshots those `replaced` go, or all.
        `handle` is told where what should be kept for an undo isn't.
        """
        there = self._around.snapshot_list(instance)
        going = there if replaced is None else [each for each in there if each.name in replaced]
        self._check(instance, plan, volumes, going)
        driver, former = self._around.driver(instance), self._former.find(instance)
        deleted = [each.name for each in going]
        definition = Definition(instance=plan.instance, snapshots=plan.snapshots)
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "instance": instance.name,
                "sent": [each.name for each in plan.snapshots],
                "deleted": list(deleted),
                "keep_until": self._former.until(instance),
                "definition": write_definition(definition, driver.pool),
                **self._attached.payload(volumes, len(plan.snapshots) + len(deleted) + 2),
            },
        )
        was_running, had_tree = False, driver.exists(volume_of(instance))
        with self._power.staying(instance):
            try:
                stage(intent)
                was_running = self._around.status(instance) is not StatusCode.STOPPED
                self._note(intent, driver, instance, was_running=was_running)
                reach("instance-replace:noted")
                if was_running:
                    self._around.runtime.kill(key_of(instance))
                put_in_place(driver, intent.token(_main(intent)), volume_of(instance))
                reach("instance-replace:swapped")
                current = self._complete(intent, driver, instance)
            except BaseException:
                try:
                    self.finish(intent)
                finally:
                    if was_running:
                        self._power.start_again(instance)
                raise
            try:
                self._announce(caller, current, deleted, plan)
                self._attached.tell(caller, volumes)
                if intent.payload["keep_until"] is not None and had_tree and self._former.find(current) is None:
                    handle.set_metadata(undo_kept=False)
                if was_running:
                    self._power.start_recorded(caller, current)
            finally:
                self._former.clear_away(instance, driver, former, *_tokens(intent))

    def finish(self, intent: Intent) -> None:
        """End a replacement that was cut: with the swap done it is completed, else the new trees go. Idempotent."""
        if not self._around.intents.is_open(intent):
            return  # it failed after its records were written: there is nothing to be recorded again
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        driver, former = self._around.driver(instance), self._former.find(instance)
        staged = intent.payload.get("staged")
        if is_in_place(driver, volume_of(instance), staged):
            self._complete(intent, driver, instance)
            self._former.drop_tree(former)
        else:
            self._attached.undo(intent)
            self._around.intents.close(intent)
        discard_all(driver, *_tokens(intent))

    def _check(
        self, instance: Instance, plan: ImportPlan, volumes: Sequence[Attached], going: Sequence[Snapshot]
    ) -> None:
        if plan.instance.pool != instance.pool:
            raise ConflictError(
                f"{instance.name} is in the pool {instance.pool}, not in {plan.instance.pool}: leave the pool out, "
                "or move the instance first"
            )
        check_none_held(instance, going)
        profiles = self._around.profiles.for_instance(instance.project, plan.instance.profiles)
        devices, coming = expand_devices(profiles, plan.instance.devices), {each.place for each in volumes}
        new = {each.device for each in attachments(devices) if (each.pool, each.name) in coming}
        there = {name: device for name, device in devices.items() if name not in new}
        VolumeDevices(self._around).check(instance.project, there)

    def _note(self, intent: Intent, driver: Driver, instance: Instance, *, was_running: bool) -> None:
        is_there = driver.exists(volume_of(instance))
        is_kept = intent.payload["keep_until"] is not None and is_there and has_room_to_spare(driver)
        if is_there and not is_kept:
            _log.warning("What %s was is not kept for an undo", instance.name)
        staged = driver.identity(driver.staged_path(intent.token(_main(intent))))
        intent.note(staged=staged, was_running=was_running, is_kept=is_kept)

    def _complete(self, intent: Intent, driver: Driver, instance: Instance) -> Instance:
        """Exchange the snapshots, keep what was swapped out, then write the records; idempotent until they are written.

        The power says RUNNING for what must be started again, so that a crash in between is made good.
        """
        self._exchange_snapshots(intent, driver, instance)
        former = self._kept(intent, driver, instance)
        reach("instance-replace:kept")
        self._attached.publish(intent)
        reach("instance-replace:published")
        definition = read_definition(intent.text("definition"), pool=instance.pool)
        power = RUNNING if intent.payload["was_running"] else STOPPED
        config = {**definition.instance.config, POWER_KEY: power}
        made = replace(definition.instance, project=instance.project, name=instance.name, config=config)
        with self._around.database.write() as connection:
            for name in intent.texts("deleted"):
                snapshots_table.delete(connection, instance.project, instance.name, name)
            instances_table.update(connection, made)
            for snapshot in definition.snapshots:
                snapshots_table.insert(connection, instance.project, instance.name, snapshot)
            self._attached.record(connection, intent)
            self._former.put(connection, instance, former)
            self._around.intents.close(intent, connection)
        reach("instance-replace:committed")
        return made

    def _exchange_snapshots(self, intent: Intent, driver: Driver, instance: Instance) -> None:
        volume, sent = volume_of(instance), intent.texts("sent")
        entered = {name for number, name in enumerate(sent) if not driver.staged_path(intent.token(number)).exists()}
        for number, name in enumerate(intent.texts("deleted"), start=_main(intent) + 2):
            if name not in entered and not driver.staged_path(intent.token(number)).exists():
                driver.withdraw(volume, intent.token(number), name)
        reach("instance-replace:withdrawn")
        for number, name in enumerate(sent):
            if name not in entered:
                driver.publish_snapshot(intent.token(number), volume, name)

    def _kept(self, intent: Intent, driver: Driver, instance: Instance) -> FormerState | None:
        until = intent.payload["keep_until"]
        if not isinstance(until, str) or not intent.payload["is_kept"]:
            return None
        return self._former.keep(driver, intent.token(_main(intent)), instance, until=until)

    def _announce(self, caller: Caller, instance: Instance, deleted: list[str], plan: ImportPlan) -> None:
        self._around.tell(caller, instance, "restored", imported=True)
        for name in deleted:
            self._around.tell_snapshot(caller, instance, name, "deleted")
        for snapshot in plan.snapshots:
            self._around.tell_snapshot(caller, instance, snapshot.name, "created")


def locks_of_replacement(intent: Intent) -> list[str]:
    """Return the locks of what a replacement holds alone."""
    return [instance_lock(intent.text("project"), intent.text("instance")), *locks_of_intent(intent)]


def _main(intent: Intent) -> int:
    """Return the number of the main tree's token."""
    return len(intent.texts("sent"))


def _tokens(intent: Intent) -> list[str]:
    count = _main(intent) + 2 + len(intent.texts("deleted"))
    return [intent.token(number) for number in range(count)]
