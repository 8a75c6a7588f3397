"""Instances: what callers can ask about them and do with them as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.instance_changes import InstanceChange
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.copies import CopyService
from holdfast.service.create import Creator
from holdfast.service.delete import Deleter
from holdfast.service.instance_reading import InstanceReader
from holdfast.service.instance_requests import InstanceRequest, Source
from holdfast.service.instance_views import InstanceFull, InstanceState, InstanceView
from holdfast.service.rename import Renamer
from holdfast.service.update import Updater


class InstanceService:
    """One front for looking, making, changing, renaming and deleting; thread-safe."""

    def __init__(
        self,
        *,
        reader: InstanceReader,
        creator: Creator,
        copies: CopyService,
        updater: Updater,
        renamer: Renamer,
        deleter: Deleter,
    ) -> None:
        self._reader, self._creator, self._copies = reader, creator, copies
        self._updater, self._renamer, self._deleter = updater, renamer, deleter

    def list(self, project: str | None) -> list[InstanceView]:
        """Return the instances of a project, of all when None."""
        return self._reader.list(project)

    def list_full(self, project: str | None) -> Sequence[InstanceFull]:
        """Return them with state, snapshots and backups."""
        return self._reader.list_full(project)

    def get(self, project: str, name: str) -> InstanceView:
        return self._reader.get(project, name)

    def full(self, project: str, name: str) -> InstanceFull:
        return self._reader.full(project, name)

    def state(self, project: str, name: str) -> InstanceState:
        return self._reader.state(project, name)

    def create(self, caller: Caller, request: InstanceRequest, source: Source) -> Operation:
        """Start to make one; its name, also one that was made up, is in the operation's resources."""
        return self._creator.create(caller, request, source, self._copies)

    def update(self, caller: Caller, name: str, change: InstanceChange) -> Operation:
        """Start to replace its settings (PUT)."""
        return self._updater.update(caller, name, change)

    def patch(self, caller: Caller, name: str, change: InstanceChange) -> None:
        """Merge into its settings, before this returns (PATCH)."""
        self._updater.patch(caller, name, change)

    def rename(self, caller: Caller, name: str, new_name: str) -> Operation:
        return self._renamer.rename(caller, name, new_name)

    def delete(self, caller: Caller, name: str) -> Operation:
        """Start to delete it with its snapshots and exports; it must be stopped."""
        return self._deleter.delete(caller, name)
