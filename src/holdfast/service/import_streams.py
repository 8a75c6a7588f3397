"""Streams of an optimized export become staged trees: received apart, put together, checked, owners taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import Layout
from holdfast.archive.optimized import StreamPlace
from holdfast.archive.received import check_received, take_back_owners, take_document
from holdfast.archive.stream_members import Receive
from holdfast.service.intents import Tokens
from holdfast.storage.driver import Driver, Origin
from holdfast.streams.copy import Sink


def receiver(driver: Driver, tokens: Tokens, count: int, base: Origin | None) -> Receive:
    """Make an area for the streams of so many trees, under the token after theirs; return what receives into it.

    `base` is what the first of them may be a difference to.
    """
    area = tokens.token(count)
    driver.stage_area(area)
    bases = () if base is None else (base,)
    listed: dict[str, tuple[int, str]] = {}

    def receive(number: int, place: StreamPlace) -> AbstractContextManager[Sink]:
        before = dict(listed)
        if place.snapshot is not None:
            listed[place.identity] = (number, place.stream_name)
        return driver.receiving(area, number, place.stream_name, *bases, listed=before)

    return receive


def put_together(
    driver: Driver,
    tokens: Tokens,
    layout: Layout,
    places: Sequence[StreamPlace],
    host_maps: Mapping[str | None, HostMap | None],
) -> bytes | None:
    """Stage each tree of what was received, the main one last; return an instance's `backup.yaml`. The area goes."""
    area, document = tokens.token(len(host_maps)), None
    for number, (snapshot, host_map) in enumerate(host_maps.items()):
        document = _put_together(driver, area, tokens.token(number), places, layout, snapshot, host_map)
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
    received = [(number, place.stream_name, place.path) for number, place in parts]
    identity = driver.part_identity(area, *received[0][:2]) if snapshot is not None and len(parts) == 1 else None
    tree = driver.assemble(token, area, received, is_last_use=True)
    check_received(tree, layout, layout.name_of(snapshot))
    document = take_document(tree) if layout is Layout.INSTANCE else None
    if host_map is not None:
        take_back_owners(tree, host_map)
    driver.protect_parts(token, [place.path for _, place in parts if place.path and place.is_read_only])
    if identity is not None and document is None and host_map is None:
        driver.keep_identity(token, identity)
    return document
