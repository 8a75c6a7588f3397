"""Bringing a copy up to date: everything new is built beside the old copy, which stays whole until all is there.

Staged trees: token n for the n-th snapshot sent, then the volume itself, then what is deleted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.instance_identity import UNSHIFTED
from holdfast.model.refresh_plan import RefreshPlan, plan_refresh
from holdfast.service.caller import Caller
from holdfast.service.copy_content import ContentCopy
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_none_held
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.stillness import thaw
from holdfast.service.surroundings import Surroundings, volume_of

INTENT_KIND: Final = "instance-refresh"


class Refresher:
    """Refreshes copies that the caller holds, together with their source."""

    def __init__(self, surroundings: Surroundings, content: ContentCopy) -> None:
        self._around, self._content = surroundings, content

    def refresh(
        self, caller: Caller, source: Instance, target: Instance, handle: OperationHandle, *, instance_only: bool
    ) -> None:
        """Give the stopped target the source's content and, unless `instance_only`, its snapshots; held ones stay."""
        self._around.require_stopped(target, "Cannot refresh a running instance")
        plan = RefreshPlan((), ())
        if not instance_only:
            there = self._around.snapshot_list(target)
            plan = plan_refresh(self._around.snapshot_list(source), there)
            check_none_held(target, [each for each in there if each.name in plan.blocked])
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": target.project,
                "instance": target.name,
                "source_project": source.project,
                "source": source.name,
                "deleted": list(plan.deleted),
                "sent": list(plan.sent),
            },
        )
        try:
            reach("instance-refresh:intent")
            driver = self._around.driver(target)
            for number, name in enumerate((*plan.sent, None)):
                self._content.stage(driver, intent, number, source, name, handle)
                driver.sync(intent.token(number))
            reach("instance-refresh:staged")
            handle.check()
            handle.set_may_cancel(may_cancel=False)
            intent.note(staged=driver.identity(driver.staged_path(intent.token(len(plan.sent)))))
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
        source = self._around.instance(intent.text("source_project"), intent.text("source"))
        driver, volume = self._around.driver(target), volume_of(target)
        deleted, sent = _names(intent, "deleted"), _names(intent, "sent")
        main = len(sent)
        for number, name in enumerate(deleted, start=main + 1):
            if not driver.staged_path(intent.token(number)).exists():
                driver.withdraw(volume, intent.token(number), name)
        for number, name in enumerate(sent):
            if driver.staged_path(intent.token(number)).exists():
                driver.publish_snapshot(intent.token(number), volume, name)
        if driver.identity(driver.path(volume)) != intent.payload["staged"]:
            driver.swap(intent.token(main), volume)
        reach("instance-refresh:swapped")
        self._record(intent, source, target, deleted, sent)
        reach("instance-refresh:committed")
        for number in range(main, main + len(deleted) + 1):
            driver.discard(intent.token(number))

    def _record(self, intent: Intent, source: Instance, target: Instance, deleted: list[str], sent: list[str]) -> None:
        disk_map = source.config.get(DISK_MAP_KEY, UNSHIFTED)
        refreshed = replace(target, config={**target.config, DISK_MAP_KEY: disk_map})
        new = [self._as_target(each, target) for each in self._around.snapshot_list(source) if each.name in sent]
        with self._around.database.write() as connection:
            for name in deleted:
                snapshots_table.delete(connection, target.project, target.name, name)
            for snapshot in new:
                snapshots_table.insert(connection, target.project, target.name, snapshot)
            instances_table.update(connection, refreshed)
            self._around.intents.close(intent, connection)

    def _as_target(self, snapshot: Snapshot, target: Instance) -> Snapshot:
        return self._content.snapshot_in_pool(snapshot, target.project, target.pool)

    def _abandon(self, intent: Intent) -> None:
        thaw(self._around, intent)
        target = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(target)
        for number in range(len(_names(intent, "sent")) + 1):
            driver.discard(intent.token(number))
        self._around.intents.close(intent)


def _names(intent: Intent, key: str) -> list[str]:
    names = intent.payload[key]
    assert isinstance(names, list)
    return [str(name) for name in names]
