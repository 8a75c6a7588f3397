"""The part of a test of a backup that is about a custom volume's file: it is imported for good, and looked through."""

from __future__ import annotations

from holdfast.archive.export_index import ExportIndex
from holdfast.host.tree_usage import measure
from holdfast.model.errors import BadRequestError
from holdfast.model.operation import JsonValue
from holdfast.service.backup_test_plan import free_volume
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.volume_imports import VolumeImportService
from holdfast.service.volume_store import VolumeStore
from holdfast.streams.growing import ArrivingFile


class VolumeTrial:
    """Tries files of volumes. Whoever calls it removes the volume, whatever comes."""

    def __init__(self, store: VolumeStore, imports: VolumeImportService) -> None:
        self._store, self._imports = store, imports

    def place(self, caller: Caller, index: ExportIndex, wanted_pool: str | None) -> tuple[str, str]:
        """Return project and pool of the volume to make; raise if there is no such pool."""
        pool = wanted_pool or index.pool
        if not pool:
            raise BadRequestError("The file names no pool: say in which one the volume is to be tried")
        self._store.around.pools.get(pool)
        return self._store.home(caller.project), pool

    def run(
        self, caller: Caller, upload: ArrivingFile, pool: str, name: str, handle: OperationHandle
    ) -> dict[str, JsonValue]:
        """Import the file; return what is in the volume then."""
        self._imports.restore_now(caller, upload, pool, name, free_volume, handle)
        reach("volume-test:imported")
        handle.set_may_cancel(may_cancel=True)
        handle.progress("test_progress", "Looking through it")
        volume = self._store.get(caller.project, pool, name)
        found = measure(self._store.driver(volume).path(volume.address), handle.is_cancelled)
        handle.check()
        return {"healthy": True, "entries": found.entries, "bytes": found.size_bytes}


def without_command(command: str) -> None:
    """Refuse a command: nothing of a volume runs."""
    if command:
        raise BadRequestError("The file holds a custom volume, in which no command can be run")
