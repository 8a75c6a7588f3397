"""The trees of an export file, staged beside what is there: unpacked, or received as streams of the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap
from holdfast.archive.reader import PartTarget, TakenPart, TreeTarget, take_export
from holdfast.model.errors import ArchiveError, UnsupportedError
from holdfast.service.import_streams import put_together, receiver
from holdfast.service.intents import Tokens
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import transfer_text
from holdfast.storage.driver import Driver, Origin
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


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedPart:
    """Where a part of a file is staged: each tree under the tokens 0…, in the order of `host_maps`, the main one last.

    The quota counts for the main tree while it is unpacked already; what is staged of streams is limited by the caller.
    """

    index: ExportIndex
    driver: Driver
    tokens: Tokens
    host_maps: Mapping[str | None, HostMap | None]
    quota_bytes: int | None
    base: Origin | None = None
    """The snapshot here that streams begin at."""


def stage_parts(
    file: ArrivingFile, index: ExportIndex, parts: Sequence[StagedPart | None], handle: OperationHandle
) -> bytes | None:
    """Stage the parts of a file (None: one that is only looked at); return the instance's `backup.yaml`.

    The token after those of a part's trees may be in use if this raises.
    """

    def progress(done: int) -> None:
        handle.progress("unpack_progress", transfer_text("Unpack", done, file.expected_bytes))

    drivers = {part.driver.pool.name: part.driver for part in parts if part is not None}
    taken = take_export(
        file,
        index,
        [_target(part) for part in parts],
        limit_bytes=sum(room_bytes(driver) for driver in drivers.values()),
        progress=progress,
        cancelled=handle.is_cancelled,
    )
    documents = [_completed(part, found) for part, found in zip(parts, taken, strict=False)]
    return documents[0]


def _target(part: StagedPart | None) -> PartTarget:
    if part is None:
        return PartTarget()
    if part.index.is_optimized:
        return PartTarget(receive=receiver(part.driver, part.tokens, len(part.host_maps), part.base))
    return PartTarget(open_tree=partial(_open_tree, part))


def _open_tree(part: StagedPart, snapshot: str | None) -> TreeTarget:
    token = part.tokens.token(list(part.host_maps).index(snapshot))
    target = TreeTarget(part.driver.stage(token), part.host_maps[snapshot])
    if snapshot is None:
        part.driver.set_staged_quota(token, part.quota_bytes)
    return target


def _completed(part: StagedPart | None, taken: TakenPart) -> bytes | None:
    if part is None or not part.index.is_optimized:
        return taken.main_document
    return put_together(part.driver, part.tokens, part.index.layout, taken.places, part.host_maps)
