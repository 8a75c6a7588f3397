"""The content of a volume's copy: a clone where source and target are in one pool, a copy of the tree where not."""

from __future__ import annotations

from typing import Final

from holdfast.host.trees import fill_tree
from holdfast.model.volume import CustomVolume
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import RateMeter
from holdfast.service.volume_store import VolumeStore
from holdfast.storage.driver import Driver, Origin
from holdfast.storage.failures import explained

_MOMENT: Final = 1_000_000
"""The number of the token under which a source is cloned in its own pool, so that a copy elsewhere sees one moment of
it; no volume has so many snapshots."""


class VolumeContent:
    """Stages copies of volumes and their snapshots."""

    def __init__(self, store: VolumeStore) -> None:
        self._store = store

    def stage(
        self,
        driver: Driver,
        intent: Intent,
        number: int,
        source: CustomVolume,
        snapshot: str | None,
        handle: OperationHandle,
    ) -> None:
        """Make staged tree `number` a copy of the source's volume or snapshot."""
        meter = RateMeter()

        def show(done_bytes: int) -> None:
            handle.progress("fs_progress", f"{snapshot or source.name}: {meter.text(done_bytes)}")

        if driver.pool.name == source.pool:
            origin = Origin(volume=source.address, snapshot=snapshot)
            driver.stage(intent.token(number), origin, cancelled=handle.is_cancelled, progress=show)
            return
        target = driver.stage(intent.token(number))
        from_driver = self._store.driver(source)
        path, is_moment = from_driver.path(source.address, snapshot), False
        if snapshot is None and from_driver.features.cheap_snapshots:
            path, is_moment = from_driver.stage(intent.token(_MOMENT), Origin(volume=source.address)), True
        try:
            with explained(driver.pool.name, f'copying "{source.name}" from pool "{source.pool}"'):
                fill_tree(path, target, cancelled=handle.is_cancelled, progress=show)
        finally:
            if is_moment:
                from_driver.discard(intent.token(_MOMENT))
