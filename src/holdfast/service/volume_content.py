"""The content of a custom volume's copy on this server."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.volume import CustomVolume
from holdfast.service.copied_trees import CopiedTrees
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.volume_store import VolumeStore


class VolumeContent:
    """Stages copies of volumes and their snapshots."""

    def __init__(self, store: VolumeStore) -> None:
        self._store = store

    def stage(
        self,
        intent: Intent,
        source: CustomVolume,
        target: CustomVolume,
        snapshots: Sequence[str],
        handle: OperationHandle,
        *,
        last: str | None = None,
        replaces: bool = False,
    ) -> bool:
        """Stage what `CopiedTrees.stage` tells; `replaces`: the target is there already."""
        copied = CopiedTrees(
            source=self._store.driver(source),
            volume=source.address,
            target=self._store.driver(target),
            copy=target.address,
            intent=intent,
            handle=handle,
            may_change=True,
            replaces=replaces,
        )
        return copied.stage(snapshots, last)
