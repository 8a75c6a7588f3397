"""The trees of an export file, staged beside what is there: unpacked, or received as streams of the driver."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap
from holdfast.archive.reader import TreeTarget, unpack_export
from holdfast.model.errors import ArchiveError, UnsupportedError
from holdfast.service.import_streams import receive_trees
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import transfer_text
from holdfast.storage.driver import Driver
from holdfast.streams.growing import ArrivingFile


def check_form(index: ExportIndex, driver: Driver) -> None:
    """Raise for a file in the optimized form of another driver."""
    if index.is_optimized and index.backend != driver.name:
        raise ArchiveError(
            f'Optimized backup storage driver "{index.backend}" differs from '
            f'the target storage pool driver "{driver.name}"'
        )
    if index.is_optimized and not driver.features.optimized_streams:
        raise UnsupportedError(f'Storage driver "{driver.name}" has no optimized form: export without that option')


def room_bytes(driver: Driver) -> int:
    """Return how much may come: what is free in the pool."""
    resources = driver.resources()
    return max(resources.space_total_bytes - resources.space_used_bytes, 0)


def stage_trees(
    file: ArrivingFile,
    index: ExportIndex,
    driver: Driver,
    intent: Intent,
    host_maps: Mapping[str | None, HostMap | None],
    quota_bytes: int | None,
    handle: OperationHandle,
) -> bytes | None:
    """Stage each tree under the intent's tokens 0…, the main one last; return the instance's `backup.yaml`.

    `host_maps` are in the order of the trees. The quota counts for the main tree while it is unpacked already; what is
    staged of streams is limited by the caller. The token after those of the trees may be in use if this raises.
    """
    numbers = {name: number for number, name in enumerate(host_maps)}

    def open_tree(snapshot: str | None) -> TreeTarget:
        token = intent.token(numbers[snapshot])
        target = TreeTarget(driver.stage(token), host_maps[snapshot])
        if snapshot is None:
            driver.set_staged_quota(token, quota_bytes)
        return target

    def progress(done: int) -> None:
        handle.progress("unpack_progress", transfer_text("Unpack", done, file.expected_bytes))

    limit, cancelled = room_bytes(driver), handle.is_cancelled
    if index.is_optimized:
        return receive_trees(
            file, index, driver, intent, host_maps, limit_bytes=limit, progress=progress, cancelled=cancelled
        )
    return unpack_export(file, index, open_tree, limit_bytes=limit, progress=progress, cancelled=cancelled)
