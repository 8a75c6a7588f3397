"""The trees of an export file, staged beside what is there: unpacked, or received as streams of the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap
from holdfast.archive.reader import PartTarget, TakenPart, TreeTarget, take_export
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_local import update_tree
from holdfast.model.errors import ArchiveError, NoSpaceError, QuotaError, UnsupportedError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume
from holdfast.service.import_streams import put_together, receiver
from holdfast.service.intents import Tokens
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import transfer_text
from holdfast.service.reserve import RESERVE_BYTES
from holdfast.storage.driver import Driver, Origin
from holdfast.streams.copy import untold
from holdfast.streams.growing import ArrivingFile

_MIB: Final = 1024 * 1024


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

    The part is to be `volume`. The quota counts for the main tree while it is unpacked already; what is staged of
    streams is limited by the caller.
    """

    index: ExportIndex
    driver: Driver
    volume: Volume
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
    arrivals = [None if part is None else _Arrival(part, handle) for part in parts]
    try:
        taken = take_export(
            file,
            index,
            [PartTarget() if arrival is None else arrival.target() for arrival in arrivals],
            limit_bytes=sum(room_bytes(driver) for driver in drivers.values()),
            progress=progress,
            cancelled=handle.is_cancelled,
        )
    except NoSpaceError as error:
        last = next((each for each in reversed(arrivals) if each is not None and each.has_begun), None)
        if last is None or last.limit_bytes is None or not last.has_met_its_limit(error):
            raise
        raise QuotaError(last.over_its_size(last.limit_bytes)) from error
    documents = [
        None if arrival is None else arrival.complete(found) for arrival, found in zip(arrivals, taken, strict=False)
    ]
    return documents[0]


class _Arrival:
    """One part on its way in.

    Where clones cost nothing a tree is made of the one that came before it: what is the same in both is there once.
    """

    def __init__(self, part: StagedPart, handle: OperationHandle) -> None:
        self._part, self._handle = part, handle
        self._before: str | None = None
        self._arriving: tuple[str, str | None] | None = None

    def target(self) -> PartTarget:
        part = self._part
        if part.index.is_optimized:
            return PartTarget(receive=receiver(part.driver, part.tokens, len(part.host_maps), part.base))
        return PartTarget(open_tree=self._open_tree)

    def complete(self, taken: TakenPart) -> bytes | None:
        """Finish what was staged; return the instance's `backup.yaml`."""
        part = self._part
        if part.index.is_optimized:
            return put_together(part.driver, part.tokens, part.index.layout, taken.places, part.host_maps)
        self._settle()
        return taken.main_document

    @property
    def has_begun(self) -> bool:
        return self._arriving is not None

    @property
    def limit_bytes(self) -> int | None:
        """Return the limit of the tree that arrived last."""
        return self._part.quota_bytes if self._arriving is not None and self._arriving[1] is None else None

    def has_met_its_limit(self, error: NoSpaceError) -> bool:
        """Tell whether the pool has room left: of a short write tar doesn't say what ended it."""
        return isinstance(error, QuotaError) or room_bytes(self._part.driver) > RESERVE_BYTES

    def over_its_size(self, limit_bytes: int) -> str:
        """Return what to say where the tree that arrived last needs more than its limit."""
        volume, size = self._part.volume, f"{limit_bytes / _MIB:g}MiB"
        if volume.type is VolumeType.CUSTOM:
            return (
                f'Volume "{volume.name}" is to have a size of {size}, and that is too small for what is in the file: '
                "give it a larger one, or less in it, where the file comes from"
            )
        return (
            f'The root disk of "{volume.name}" is to have a size of {size}, and that is too small for what is in the '
            "file: import it with a larger one (`-d root,size=…`)"
        )

    def _open_tree(self, snapshot: str | None) -> TreeTarget:
        self._settle()
        part = self._part
        token = part.tokens.token(list(part.host_maps).index(snapshot))
        target = TreeTarget(part.driver.stage(token), part.host_maps[snapshot])
        self._limit(token, snapshot)
        self._arriving = token, snapshot
        return target

    def _limit(self, token: str, snapshot: str | None) -> None:
        if snapshot is None:
            self._part.driver.set_arrival_quota(token, self._part.quota_bytes)

    def _settle(self) -> None:
        """Make what has arrived a clone of what arrived before it, with what differs."""
        if self._arriving is None:
            return
        token, snapshot = self._arriving
        if self._before is not None and self._part.driver.features.cheap_snapshots:
            self._share(token, self._before)
            self._limit(token, snapshot)
        self._before, self._arriving = token, None

    def _share(self, token: str, before: str) -> None:
        driver, spare = self._part.driver, self._part.tokens.token(len(self._part.host_maps))
        path = driver.stage(spare, Origin(volume=self._part.volume, staged=before))
        doing = f'Storage pool "{driver.pool.name}": putting together what was unpacked'
        ground, tree = Ground(path, lambda: False), driver.staged_path(token)
        update_tree(tree, ground, doing, progress=untold, cancelled=self._handle.is_cancelled)
        driver.discard(token)
        driver.stage(token, Origin(volume=self._part.volume, staged=spare))
        driver.discard(spare)
