"""Streams of an optimized export become staged trees: received apart, put together, checked, owners taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import Layout
from holdfast.archive.optimized import StreamPlace
from holdfast.archive.reader import Source, receive_export
from holdfast.archive.received import check_received, take_back_owners, take_document
from holdfast.service.intents import Intent
from holdfast.storage.driver import Driver
from holdfast.streams.copy import Cancelled, Progress


def receive_trees(
    source: Source,
    index: ExportIndex,
    driver: Driver,
    intent: Intent,
    host_maps: Mapping[str | None, HostMap | None],
    *,
    limit_bytes: int,
    progress: Progress,
    cancelled: Cancelled,
) -> bytes | None:
    """Stage the tree of each snapshot under the intent's tokens 0…, then the instance's; return its `backup.yaml`.

    The token after those is that of the area, which is gone at the end.
    """
    snapshots = [*index.snapshots, None]
    area = intent.token(len(snapshots))
    driver.stage_area(area)
    places = receive_export(
        source,
        index,
        lambda number, place: driver.receiving(area, number, place.stream_name),
        limit_bytes=limit_bytes,
        progress=progress,
        cancelled=cancelled,
    )
    document = None
    for number, snapshot in enumerate(snapshots):
        found = _put_together(driver, area, intent.token(number), places, index.layout, snapshot, host_maps[snapshot])
        document = found if snapshot is None else None
    driver.discard(area)
    return document


def _put_together(
    driver: Driver,
    area: str,
    token: str,
    places: Sequence[StreamPlace],
    layout: Layout,
    snapshot: str | None,
    host_map: HostMap | None,
) -> bytes | None:
    parts = [(number, place) for number, place in enumerate(places) if place.snapshot == snapshot]
    tree = driver.assemble(token, area, [(number, place.stream_name, place.path) for number, place in parts])
    check_received(tree, layout, layout.name_of(snapshot))
    document = take_document(tree) if layout is Layout.INSTANCE else None
    if host_map is not None:
        take_back_owners(tree, host_map)
    driver.protect_parts(token, [place.path for _, place in parts if place.path and place.is_read_only])
    return document
