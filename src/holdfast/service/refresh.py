"""Bringing a copy up to date: everything new is built beside the old copy, which stays whole until all is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from holdfast.archive.definition import Definition
from holdfast.archive.definition_text import read_definition, write_definition
from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.instance_identity import UNSHIFTED
from holdfast.model.refresh_plan import RefreshPlan, keeping_all, plan_refresh
from holdfast.model.root_disk import root_size_bytes
from holdfast.service import refreshed_trees
from holdfast.service.caller import Caller
from holdfast.service.copy_content import ContentCopy
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_none_held
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.stillness import thaw
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import discard_all
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "instance-refresh"


class Refresher:
    """Refreshes copies that the caller holds alone."""

    def __init__(self, surroundings: Surroundings, content: ContentCopy) -> None:
        self._around, self._content = surroundings, content

    def refresh(
        self,
        caller: Caller,
        source: Instance,
        target: Instance,
        handle: OperationHandle,
        *,
        instance_only: bool,
        keep_snapshots: bool = False,
    ) -> None:
        """Give the stopped target the content of a source on this server, and, unless `instance_only`, its snapshots.

        The caller holds the source, too. Held snapshots of the target stay, all with `keep_snapshots`.
        """
        there = self._around.snapshot_list(source)
        plan = RefreshPlan((), ()) if instance_only else self.plan(target, there, keep_snapshots=keep_snapshots)
        new = [
            self._content.snapshot_in_pool(each, target.project, target.pool)
            for each in there
            if each.name in plan.sent
        ]

        def stage(_: Driver, intent: Intent) -> bool:
            return self._content.stage(intent, source, target, plan.sent, handle, replaces=True)

        disk_map = source.config.get(DISK_MAP_KEY, UNSHIFTED)
        self.exchange(caller, target, plan, new, stage, handle, disk_map=disk_map)

    def plan(
        self,
        target: Instance,
        source: Sequence[Snapshot],
        there: Sequence[Snapshot] | None = None,
        *,
        keep_snapshots: bool = False,
    ) -> RefreshPlan:
        """Return what brings the target's snapshots in line; refuse if a held one is in the way.

        `there` are the target's as the source knows them, if that is not as they are. With `keep_snapshots` none goes,
        and one that is in the way is refused, held or not.
        """
        own = self._around.snapshot_list(target) if there is None else there
        plan = plan_refresh(source, own)
        if keep_snapshots:
            return keeping_all(plan, lambda name: f"holdfast rename {target.name}/{name} {target.name}/{name}-own")
        check_none_held(target, [each for each in own if each.name in plan.blocked])
        return plan

    def exchange(
        self,
        caller: Caller,
        target: Instance,
        plan: RefreshPlan,
        new: Sequence[Snapshot],
        stage: refreshed_trees.Stage,
        handle: OperationHandle,
        *,
        disk_map: str,
    ) -> None:
        """Let `stage` build what is new, then put it in the place of what was; `new` are the records of `plan.sent`."""
        self._around.require_stopped(target, "Cannot refresh a running instance")
        driver = self._around.driver(target)
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": target.project,
                "instance": target.name,
                "disk_map": disk_map,
                "deleted": list(plan.deleted),
                "sent": list(plan.sent),
                "definition": write_definition(Definition(instance=target, snapshots=tuple(new)), driver.pool),
            },
        )
        try:
            reach("instance-refresh:intent")
            is_staged = stage(driver, intent)
            if is_staged:
                main = intent.token(len(plan.sent))
                driver.set_staged_quota(main, root_size_bytes(self._around.expanded(target).devices))
                for number in range(len(plan.sent) + 1):
                    driver.sync(intent.token(number))
            reach("instance-refresh:staged")
            handle.check()
            handle.set_may_cancel(may_cancel=False)
            intent.note(staged=refreshed_trees.identity(driver, volume_of(target), intent, is_staged=is_staged))
            reach("instance-refresh:synced")
        except BaseException:
            self._abandon(intent)
            raise
        self.finish(intent)
        for name in plan.deleted:
            self._around.tell_snapshot(caller, target, name, "deleted")
        for name in plan.sent:
            self._around.tell_snapshot(caller, target, name, "created")

    def finish(self, intent: Intent) -> None:
        """Enter what is complete, or drop what isn't. Idempotent: recovery calls it."""
        if intent.payload.get("staged") is None:
            self._abandon(intent)
            return
        target = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(target)
        refreshed_trees.put_in_place(driver, volume_of(target), intent)
        reach("instance-refresh:swapped")
        self._record(intent, target)
        reach("instance-refresh:committed")
        discard_all(driver, *refreshed_trees.former(intent))

    def _record(self, intent: Intent, target: Instance) -> None:
        refreshed = replace(target, config={**target.config, DISK_MAP_KEY: intent.text("disk_map")})
        new = read_definition(intent.text("definition"), pool=target.pool).snapshots
        with self._around.database.write() as connection:
            for name in intent.texts("deleted"):
                snapshots_table.delete(connection, target.project, target.name, name)
            for snapshot in new:
                snapshots_table.insert(connection, target.project, target.name, snapshot)
            instances_table.update(connection, refreshed)
            self._around.intents.close(intent, connection)

    def _abandon(self, intent: Intent) -> None:
        thaw(self._around, intent)
        target = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(target)
        refreshed_trees.drop(driver, intent)
        self._around.intents.close(intent)
