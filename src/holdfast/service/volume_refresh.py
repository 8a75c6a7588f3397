"""Bringing a volume's copy up to date: everything new is built beside the old copy, which stays whole until then.

Staged trees: token n for the n-th snapshot sent, then the volume itself, then what is deleted.
"""

from __future__ import annotations

from typing import Final

from holdfast.db import volume_snapshots as snapshots_table
from holdfast.model.errors import BadRequestError
from holdfast.model.operation import JsonValue
from holdfast.model.refresh_plan import RefreshPlan, plan_refresh
from holdfast.model.volume import CustomVolume
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_no_volume_snapshot_held
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.taking_back import discard_all
from holdfast.service.volume_building import copied_snapshot, limit
from holdfast.service.volume_content import VolumeContent
from holdfast.service.volume_store import VolumeStore, payload_of

INTENT_KIND: Final = "volume-refresh"


class VolumeRefresher:
    """Refreshes copies that the caller holds, together with their source."""

    def __init__(self, store: VolumeStore, content: VolumeContent) -> None:
        self._store, self._around, self._content = store, store.around, content

    def refresh(
        self, caller: Caller, source: CustomVolume, target: CustomVolume, handle: OperationHandle, *, volume_only: bool
    ) -> None:
        """Give the target the source's content and, unless `volume_only`, its snapshots; held ones stay."""
        if source.content_type is not target.content_type:
            raise BadRequestError(f'Volume "{target.name}" has another kind of content than "{source.name}"')
        users = self._store.users(target)
        users.refuse_server("Volume is used by the server itself and cannot be refreshed")
        self._store.refuse_running_users(users, "Cannot refresh custom volume used by running instances")
        plan = RefreshPlan((), ())
        if not volume_only:
            there = self._store.snapshots(target)
            plan = plan_refresh(self._store.snapshots(source), there)
            check_no_volume_snapshot_held(target, [each for each in there if each.name in plan.blocked])
        intent = self._around.intents.open(INTENT_KIND, _payload(source, target, plan))
        try:
            reach("volume-refresh:intent")
            driver, main = self._store.driver(target), intent.token(len(plan.sent))
            for number, name in enumerate((*plan.sent, None)):
                self._content.stage(driver, intent, number, source, name, handle)
            limit(driver, main, target.content_type, target.config)
            reach("volume-refresh:staged")
            for number in range(len(plan.sent) + 1):
                driver.sync(intent.token(number))
            handle.check()
            handle.set_may_cancel(may_cancel=False)
            intent.note(staged=driver.identity(driver.staged_path(main)))
            reach("volume-refresh:synced")
        except BaseException:
            self._abandon(intent)
            raise
        self.finish(intent)
        for name in plan.deleted:
            self._store.tell_snapshot(caller, target, name, "deleted")
        for name in plan.sent:
            self._store.tell_snapshot(caller, target, name, "created")

    def finish(self, intent: Intent) -> None:
        """Enter what is complete, or drop what isn't. Idempotent: recovery calls it."""
        if intent.payload.get("staged") is None:
            self._abandon(intent)
            return
        target = self._store.of_intent(intent)
        driver, volume = self._store.driver(target), target.address
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
        reach("volume-refresh:swapped")
        self._record(intent, target, deleted, sent)
        reach("volume-refresh:committed")
        discard_all(driver, *(intent.token(number) for number in range(main, main + len(deleted) + 1)))

    def _record(self, intent: Intent, target: CustomVolume, deleted: list[str], sent: list[str]) -> None:
        source = self._store.at(intent.text("source_project"), intent.text("source_pool"), intent.text("source"))
        new = [each for each in self._store.snapshots(source) if each.name in sent]
        with self._around.database.write() as connection:
            for name in deleted:
                snapshots_table.delete(connection, target, name)
            for snapshot in new:
                snapshots_table.insert(connection, target, copied_snapshot(snapshot))
            self._around.intents.close(intent, connection)

    def _abandon(self, intent: Intent) -> None:
        driver = self._store.driver(self._store.of_intent(intent))
        for number in range(len(_names(intent, "sent")) + 1):
            driver.discard(intent.token(number))
        self._around.intents.close(intent)


def _payload(source: CustomVolume, target: CustomVolume, plan: RefreshPlan) -> dict[str, JsonValue]:
    return {
        **payload_of(target),
        "source_pool": source.pool,
        "source_project": source.project,
        "source": source.name,
        "deleted": list(plan.deleted),
        "sent": list(plan.sent),
    }


def _names(intent: Intent, key: str) -> list[str]:
    names = intent.payload[key]
    assert isinstance(names, list)
    return [str(name) for name in names]
