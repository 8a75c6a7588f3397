"""The content of a copy: a clone where source and target are in one pool, a copy of the tree where they are not."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from holdfast.host.trees import fill_tree
from holdfast.model.errors import GoneProfileError, ProfileNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import StatusCode
from holdfast.model.root_disk import root_in_pool
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import RateMeter
from holdfast.service.stillness import still
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.storage.driver import Driver, Origin
from holdfast.storage.failures import explained

_MOMENT: Final = 1_000_000
"""The number of the token under which a running source is cloned in its own pool, so that a copy elsewhere sees one
moment of it; no instance has so many snapshots."""


class ContentCopy:
    """Stages copies of volumes and snapshots."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def stage(
        self,
        driver: Driver,
        intent: Intent,
        number: int,
        source: Instance,
        snapshot: str | None,
        handle: OperationHandle,
        *,
        may_freeze: bool = True,
    ) -> Path:
        """Make staged tree `number` a copy of the source's volume or snapshot; a running source is held still."""
        meter = RateMeter()

        def show(done_bytes: int) -> None:
            handle.progress("fs_progress", f"{snapshot or source.name}: {meter.text(done_bytes)}")

        held = still(self._around, intent, source) if snapshot is None and may_freeze else nullcontext()
        with held:
            if driver.pool.name == source.pool:
                origin = Origin(volume=volume_of(source), snapshot=snapshot)
                return driver.stage(intent.token(number), origin, cancelled=handle.is_cancelled, progress=show)
            target = driver.stage(intent.token(number))
            from_driver = self._around.driver(source)
            path, is_moment = from_driver.path(volume_of(source), snapshot), False
            if snapshot is None and from_driver.features.cheap_snapshots and self._runs(source):
                path, is_moment = from_driver.stage(intent.token(_MOMENT), Origin(volume=volume_of(source))), True
            try:
                with explained(driver.pool.name, f'copying "{source.name}" from pool "{source.pool}"'):
                    fill_tree(path, target, cancelled=handle.is_cancelled, progress=show)
            finally:
                if is_moment:
                    from_driver.discard(intent.token(_MOMENT))
            return target

    def snapshot_in_pool(self, snapshot: Snapshot, project: str, pool: str) -> Snapshot:
        """Return a snapshot's record with its root disk in a pool."""
        try:
            profiles = self._around.profiles.for_instance(project, snapshot.profiles)
        except ProfileNotFoundError as error:
            raise GoneProfileError(f"Snapshot {snapshot.name}", error.name, "then try again") from error
        return replace(snapshot, devices=root_in_pool(snapshot.devices, profiles, pool))

    def _runs(self, instance: Instance) -> bool:
        return self._around.status(instance) is not StatusCode.STOPPED
