"""Bringing a volume's copy up to date: everything new is built beside the old copy, which stays whole until then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from holdfast.db import volume_snapshots as snapshots_table
from holdfast.model.errors import BadRequestError
from holdfast.model.operation import JsonValue
from holdfast.model.refresh_plan import RefreshPlan, keeping_all, plan_refresh
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.service import refreshed_trees
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.holds import check_no_volume_snapshot_held
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.taking_back import discard_all
from holdfast.service.volume_building import copied_snapshot, limit
from holdfast.service.volume_content import VolumeContent
from holdfast.service.volume_store import VolumeStore, payload_of
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "volume-refresh"


class VolumeRefresher:
    """Refreshes copies that the caller holds alone."""

    def __init__(self, store: VolumeStore, content: VolumeContent) -> None:
        self._store, self._around, self._content = store, store.around, content

    def refresh(
        self,
        caller: Caller,
        source: CustomVolume,
        target: CustomVolume,
        handle: OperationHandle,
        *,
        volume_only: bool,
        keep_snapshots: bool = False,
    ) -> None:
        """Give the target the content of a volume on this server and, unless `volume_only`, its snapshots.

        The caller holds the source, too. Held snapshots of the target stay, all with `keep_snapshots`.
        """
        if source.content_type is not target.content_type:
            raise BadRequestError(f'Volume "{target.name}" has another kind of content than "{source.name}"')
        there = self._store.snapshots(source)
        plan = RefreshPlan((), ()) if volume_only else self.plan(target, there, keep_snapshots=keep_snapshots)
        new = [copied_snapshot(each) for each in there if each.name in plan.sent]

        def stage(_: Driver, intent: Intent) -> bool:
            return self._content.stage(intent, source, target, plan.sent, handle, replaces=True)

        self.exchange(caller, target, plan, new, stage, handle)

    def plan(
        self,
        target: CustomVolume,
        source: Sequence[VolumeSnapshot],
        there: Sequence[VolumeSnapshot] | None = None,
        *,
        keep_snapshots: bool = False,
    ) -> RefreshPlan:
        """Return what brings the target's snapshots in line; refuse if a held one is in the way.

        `there` are the target's as the source knows them, if that is not as they are. With `keep_snapshots` none goes,
        and one that is in the way is refused, held or not.
        """
        own = self._store.snapshots(target) if there is None else there
        plan = plan_refresh(source, own)
        if keep_snapshots:
            rename, name = f"holdfast storage volume rename {target.pool}", target.name
            return keeping_all(plan, lambda one: f"{rename} {name}/{one} {name}/{one}-own")
        check_no_volume_snapshot_held(target, [each for each in own if each.name in plan.blocked])
        return plan

    def exchange(
        self,
        caller: Caller,
        target: CustomVolume,
        plan: RefreshPlan,
        new: Sequence[VolumeSnapshot],
        stage: refreshed_trees.Stage,
        handle: OperationHandle,
    ) -> None:
        """Let `stage` build what is new, then put it in the place of what was; `new` are the records of `plan.sent`."""
        users = self._store.users(target)
        users.refuse_server("Volume is used by the server itself and cannot be refreshed")
        self._store.refuse_running_users(users, "Cannot refresh custom volume used by running instances")
        driver = self._store.driver(target)
        intent = self._around.intents.open(INTENT_KIND, _payload(target, plan, new))
        try:
            reach("volume-refresh:intent")
            main = intent.token(len(plan.sent))
            is_staged = stage(driver, intent)
            if is_staged:
                limit(driver, main, target.content_type, target.config)
            reach("volume-refresh:staged")
            if is_staged:
                for number in range(len(plan.sent) + 1):
                    driver.sync(intent.token(number))
            handle.check()
            handle.set_may_cancel(may_cancel=False)
            intent.note(staged=refreshed_trees.identity(driver, target.address, intent, is_staged=is_staged))
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
        driver = self._store.driver(target)
        refreshed_trees.put_in_place(driver, target.address, intent)
        reach("volume-refresh:swapped")
        self._record(intent, target)
        reach("volume-refresh:committed")
        discard_all(driver, *refreshed_trees.former(intent))

    def _record(self, intent: Intent, target: CustomVolume) -> None:
        records = intent.payload["records"]
        assert isinstance(records, list)
        with self._around.database.write() as connection:
            for name in intent.texts("deleted"):
                snapshots_table.delete(connection, target, name)
            for record in records:
                snapshots_table.insert(connection, target, _snapshot(record))
            self._around.intents.close(intent, connection)

    def _abandon(self, intent: Intent) -> None:
        driver = self._store.driver(self._store.of_intent(intent))
        refreshed_trees.drop(driver, intent)
        self._around.intents.close(intent)


def _payload(target: CustomVolume, plan: RefreshPlan, new: Sequence[VolumeSnapshot]) -> dict[str, JsonValue]:
    return {
        **payload_of(target),
        "deleted": list(plan.deleted),
        "sent": list(plan.sent),
        "records": [_record_of(each) for each in new],
    }


def _record_of(snapshot: VolumeSnapshot) -> dict[str, JsonValue]:
    return {
        "name": snapshot.name,
        "description": snapshot.description,
        "config": dict(snapshot.config),
        "created_at": snapshot.created_at.isoformat(),
        "expires_at": _text(snapshot.expires_at),
        "is_held": snapshot.is_held,
        "schedule": snapshot.schedule,
        "due_at": _text(snapshot.due_at),
    }


def _snapshot(record: JsonValue) -> VolumeSnapshot:
    """Undo `_record_of`."""
    assert isinstance(record, dict) and isinstance(record["config"], dict)
    return VolumeSnapshot(
        name=str(record["name"]),
        description=str(record["description"]),
        config={key: str(value) for key, value in record["config"].items()},
        created_at=datetime.fromisoformat(str(record["created_at"])),
        expires_at=_time(record["expires_at"]),
        is_held=bool(record["is_held"]),
        schedule=str(record["schedule"]),
        due_at=_time(record["due_at"]),
    )


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: JsonValue) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
