"""Restore, and its undo: the wanted content is built beside the instance's, swapped in by one rename, then recorded.

What was there before is kept as the former state (`former_states.py`), so that an undo is a restore of that. Staged
trees: token 0 is the new content, and after the swap the old; token 1 the old one apart, where the two share files.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    GoneProfileError,
    NoSpaceError,
    NotFoundError,
    ProfileNotFoundError,
)
from holdfast.model.expand import expand_devices
from holdfast.model.former_state import FormerState
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import ATTACHED_VOLUMES_KEY, POWER_KEY, check_instance_devices
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import JsonValue, Operation
from holdfast.model.protection import restored_config
from holdfast.model.root_disk import root_in_pool, root_size_bytes
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.former_states import FormerStates, has_room_to_spare
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Work
from holdfast.service.power import RUNNING, STOPPED, PowerService
from holdfast.service.resources import instance_resources
from holdfast.service.stateful import refuse_stateful
from holdfast.service.surroundings import Surroundings, key_of, volume_of
from holdfast.service.taking_back import discard_all, is_in_place, put_in_place
from holdfast.service.volume_devices import VolumeDevices
from holdfast.storage.driver import Driver, Origin

INTENT_KIND: Final = "restore"
_NEW: Final = 0
_APART: Final = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Goal:
    """What an instance is taken back to: `restored` is its record then, `relative` what `origin` shares files with."""

    origin: Origin
    relative: Origin | None
    restored: Instance
    size_bytes: int | None


class RestoreService:
    """Takes instances back to their snapshots, and back from there."""

    def __init__(self, surroundings: Surroundings, power: PowerService, former_states: FormerStates) -> None:
        self._around, self._power, self._former = surroundings, power, former_states

    def restore(self, caller: Caller, instance: str, snapshot: str, *, stateful: bool = False) -> Operation:
        """Start; `snapshot` is bare ("snap0") or full ("c1/snap0"). A running instance is stopped and started again."""
        name = snapshot.removeprefix(f"{instance}/")

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "restore") as current:
                found = self._snapshot(current, name)
                if stateful and not found.stateful:
                    raise BadRequestError("Stateful snapshot restore requested by snapshot is stateless")
                refuse_stateful(stateful=stateful)
                self._restore(caller, current, found.name, handle, is_undo=False)

        return self._begin(caller, instance, "Restoring snapshot", work)

    def undo(self, caller: Caller, instance: str) -> Operation:
        """Start to bring back what the instance was before its last restore; doing it twice is a redo."""
        self._former.get(self._around.instance(caller.project, instance))

        def work(handle: OperationHandle) -> None:
            with self._around.alone(caller.project, instance, "restore") as current:
                self._restore(caller, current, self._former.get(current).snapshot, handle, is_undo=True)

        return self._begin(caller, instance, "Undoing restore", work)

    def _begin(self, caller: Caller, name: str, description: str, work: Work) -> Operation:
        found = self._around.instance(caller.project, name)
        resources = instance_resources(caller.project, name, instance_type=found.type)
        return self._around.operations.start(caller, description, work, resources=resources)

    def _restore(
        self, caller: Caller, instance: Instance, snapshot: str, handle: OperationHandle, *, is_undo: bool
    ) -> None:
        goal = self._goal(instance, snapshot, is_undo=is_undo)
        self._check_volumes(instance, goal.restored)
        driver, volume = self._around.driver(instance), volume_of(instance)
        self.refuse_loss(instance, snapshot)
        former = self._former.find(instance)
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "instance": instance.name,
                "snapshot": snapshot,
                "is_undo": is_undo,
                "keep_until": self._former.until(instance),
            },
        )
        was_running, had_tree = False, driver.exists(volume)
        with self._power.staying(instance):
            try:
                reach("restore:intent")
                self._stage(driver, intent, instance, goal, handle)
                reach("restore:staged")
                driver.sync(intent.token())
                was_running = self._around.status(instance) is not StatusCode.STOPPED
                staged = driver.identity(driver.staged_path(intent.token()))
                intent.note(staged=staged, was_running=was_running)
                reach("restore:synced")
                if was_running:
                    self._around.runtime.kill(key_of(instance))
                put_in_place(driver, intent.token(), volume)
                reach("restore:swapped")
                current = self._complete(intent, driver, instance, goal.restored)
            except BaseException:
                try:
                    self.finish(intent)
                finally:
                    if was_running:
                        self._power.start_again(instance)
                raise
            try:
                context: dict[str, JsonValue] = {"undo": True} if is_undo else {}
                if snapshot:
                    context["snapshot"] = f"{instance.name}/{snapshot}"
                self._around.tell(caller, instance, "restored", **context)
                if intent.payload["keep_until"] is not None and had_tree and self._former.find(current) is None:
                    handle.set_metadata(undo_kept=False)
                if was_running:
                    self._power.start_recorded(caller, current)
            finally:
                self._former.clear_away(instance, driver, former, intent.token(_NEW), intent.token(_APART))

    def _check_volumes(self, instance: Instance, restored: Instance) -> None:
        """Refuse to stop an instance that could not be started again; a stopped one gets its content back, as in LXD.

        The device of a volume that is gone stays in its configuration, and a start tells of it.
        """
        gone = VolumeDevices(self._around).first_gone(instance.project, self._around.expanded(restored).devices)
        if gone is None:
            return
        if self._around.status(instance) is not StatusCode.STOPPED:
            raise NotFoundError(
                f"{gone}: it could not be started again after the restore; stop {instance.name} to restore it "
                "all the same, and remove the device before the next start"
            ) from gone
        _log.warning("%s is restored, and can't be started as it is: %s", instance.name, gone)

    def _stage(self, driver: Driver, intent: Intent, instance: Instance, goal: _Goal, handle: OperationHandle) -> None:
        """Stage the new content, and note which token will hold the former one after the swap, if it is to be kept."""
        volume, is_at_rest = volume_of(instance), self._around.status(instance) is StatusCode.STOPPED
        driver.stage(
            intent.token(_NEW),
            goal.origin,
            resembling=volume if is_at_rest else None,
            relative=goal.relative,
            cancelled=handle.is_cancelled,
        )
        driver.set_staged_quota(intent.token(_NEW), goal.size_bytes)
        if intent.payload["keep_until"] is None or not driver.exists(volume):
            return
        kept = _NEW
        try:
            apart = intent.token(_APART)
            if is_at_rest and driver.stage_former(
                apart, volume, intent.token(_NEW), goal.origin, cancelled=handle.is_cancelled
            ):
                kept = _APART
            has_room = has_room_to_spare(driver)
        except NoSpaceError:
            has_room = False
        if has_room:
            intent.payload["kept"] = kept
        else:
            _log.warning("Pool %s is nearly full: what %s was is not kept for an undo", driver.pool.name, instance.name)

    def finish(self, intent: Intent) -> None:
        """End a restore that was cut: with the swap done it is recorded, else the new content goes. Idempotent."""
        if not self._around.intents.is_open(intent):
            return  # it failed after its records were written: there is nothing to be recorded again
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(instance)
        former = self._former.find(instance)
        staged = intent.payload.get("staged")
        if is_in_place(driver, volume_of(instance), staged):
            goal = self._goal(instance, intent.text("snapshot"), is_undo=bool(intent.payload.get("is_undo")))
            self._complete(intent, driver, instance, goal.restored)
            self._former.drop_tree(former)
        else:
            self._around.intents.close(intent)
        discard_all(driver, intent.token(_NEW), intent.token(_APART))

    def planned(self, instance: Instance, snapshot: Snapshot) -> tuple[Instance, int | None]:
        """Return the record after the restore and its size limit, for those who restore more with it."""
        goal = self._goal(instance, snapshot.name, is_undo=False)
        return goal.restored, goal.size_bytes

    def refuse_loss(self, instance: Instance, snapshot: str) -> None:
        """Refuse what would take newer snapshots away; whoever wants that deletes them first. "": to an import's."""
        if self._around.driver(instance).features.restore_keeps_newer or not snapshot:
            return
        names = [each.name for each in self._around.snapshot_list(instance)]
        if newer := names[names.index(snapshot) + 1 :]:
            raise ConflictError(
                f"Going back to {instance.name}/{snapshot} would delete the newer snapshots {', '.join(newer)} in pool "
                f"{instance.pool}: delete them first if they may go, or copy {instance.name}/{snapshot} to a new one"
            )

    def _goal(self, instance: Instance, snapshot: str, *, is_undo: bool) -> _Goal:
        """Return what to go back to; checked: a snapshot may have come from outside, and profiles may have changed."""
        volume, former = volume_of(instance), self._former.find(instance)
        relative = Origin(volume=volume, former=former.token) if former is not None else None
        if is_undo:
            state = self._former.get(instance)
            origin = Origin(volume=volume, former=state.token)
            relative = Origin(volume=volume, snapshot=snapshot) if snapshot else None
            restored, name = _taken_back(instance, state.instance), f"The state of {instance.name} before its restore"
        else:
            origin, found = Origin(volume=volume, snapshot=snapshot), self._snapshot(instance, snapshot)
            restored, name = _taken_back(instance, found), f"Snapshot {instance.name}/{snapshot}"
        try:
            profiles = self._around.profiles.for_instance(instance.project, restored.profiles)
        except ProfileNotFoundError as error:
            raise GoneProfileError(name, error.name, "then restore") from error
        restored = replace(restored, devices=root_in_pool(restored.devices, profiles, instance.pool))
        check_instance_config(restored.config, is_imported=True)
        check_instance_devices(restored, profiles)
        size_bytes = root_size_bytes(expand_devices(profiles, restored.devices))
        return _Goal(origin=origin, relative=relative, restored=restored, size_bytes=size_bytes)

    def _snapshot(self, instance: Instance, name: str) -> Snapshot:
        snapshot = next((each for each in self._around.snapshot_list(instance) if each.name == name), None)
        if snapshot is None:
            raise NotFoundError(f"Snapshot {instance.name}/{name} does not exist")
        return snapshot

    def _complete(self, intent: Intent, driver: Driver, instance: Instance, restored: Instance) -> Instance:
        """Keep what was swapped out, then write the records; idempotent until they are written.

        The power says RUNNING for what must be started again, so that a crash in between is made good.
        """
        former = self._kept(intent, driver, instance)
        reach("restore:kept")
        power = RUNNING if intent.payload.get("was_running") else STOPPED
        restored = replace(restored, config={**restored.config, POWER_KEY: power})
        with self._around.database.write() as connection:
            instances_table.update(connection, restored)
            self._former.put(connection, instance, former)
            self._around.intents.close(intent, connection)
        reach("restore:committed")
        return restored

    def _kept(self, intent: Intent, driver: Driver, instance: Instance) -> FormerState | None:
        """Take the former content out of staging; None if it isn't to be kept, or can't be: the restore goes on."""
        kept, until = intent.payload.get("kept"), intent.payload.get("keep_until")
        if not isinstance(kept, int) or not isinstance(until, str):
            return None
        return self._former.keep(driver, intent.token(kept), instance, until=until, snapshot=intent.text("snapshot"))


def _taken_back(instance: Instance, to: Instance | Snapshot) -> Instance:
    """Return the instance with what a restore brings back; name, pool, times and whose copy it is stay."""
    return replace(
        instance,
        architecture=to.architecture,
        description=to.instance_description if isinstance(to, Snapshot) else to.description,
        config=restored_config(
            instance.config, {key: value for key, value in to.config.items() if key != ATTACHED_VOLUMES_KEY}
        ),
        devices=to.devices,
        profiles=to.profiles,
        ephemeral=to.ephemeral,
        stateful=False,
    )
