"""The content of an instance's copy on this server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

from holdfast.model.errors import GoneProfileError, ProfileNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import StatusCode
from holdfast.model.root_disk import root_in_pool
from holdfast.service.copied_trees import CopiedTrees
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.stillness import still
from holdfast.service.surroundings import Surroundings, volume_of


class ContentCopy:
    """Stages copies of volumes and snapshots."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def stage(
        self,
        intent: Intent,
        source: Instance,
        target: Instance,
        snapshots: Sequence[str],
        handle: OperationHandle,
        *,
        last: str | None = None,
        may_freeze: bool = True,
        replaces: bool = False,
    ) -> bool:
        """Stage what `CopiedTrees.stage` tells; a running source is held still. `replaces`: the target is there."""
        copied = CopiedTrees(
            source=self._around.driver(source),
            volume=volume_of(source),
            target=self._around.driver(target),
            copy=volume_of(target),
            intent=intent,
            handle=handle,
            still=(lambda: still(self._around, intent, source)) if may_freeze else nullcontext,
            may_change=self._around.status(source) is not StatusCode.STOPPED,
            replaces=replaces,
        )
        return copied.stage(snapshots, last)

    def snapshot_in_pool(self, snapshot: Snapshot, project: str, pool: str) -> Snapshot:
        """Return a snapshot's record with its root disk in a pool."""
        try:
            profiles = self._around.profiles.for_instance(project, snapshot.profiles)
        except ProfileNotFoundError as error:
            raise GoneProfileError(f"Snapshot {snapshot.name}", error.name, "then try again") from error
        return replace(snapshot, devices=root_in_pool(snapshot.devices, profiles, pool))
