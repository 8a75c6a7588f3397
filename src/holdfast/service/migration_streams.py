"""Volumes that cross as streams of `btrfs send`: one for each subvolume, each the difference to the snapshot before.

A list of all subvolumes comes first. In a refresh the target answers it with those that it wants, and the first
stream is the difference to the snapshot before them, which the target has: it knows it by the
UUID that it was received with.

LXD wants every snapshot at whose path `/` it reads a UUID that its own wasn't received with, also those that it has
and that aren't recorded anew: then it removes the volume and fails at their names. So to others than servers of ours a
snapshot that the answer to the offer doesn't ask for is listed at `/.`, which LXD compares but doesn't receive.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from holdfast.archive.layout import Layout
from holdfast.archive.optimized import StreamPlace, checked_places
from holdfast.migration.agreement import Agreement
from holdfast.migration.channels import DataChannel
from holdfast.migration.subvolumes import SubvolumeEntry, receive_list, send_list
from holdfast.model.errors import MigrationError
from holdfast.model.storage import Volume
from holdfast.service.intents import Intent
from holdfast.service.transfer_bases import OtherSnapshotError, ReceivedBases, SentBase
from holdfast.storage.driver import RECEIVED, Driver, Origin, PartIdentity, SendPlace
from holdfast.streams.copy import Cancelled, pump

MAIN_NAME: Final = ".migration-send"
"""What the stream of the volume itself calls its subvolume."""

_TOP: Final = "/"
_TOP_COMPARED: Final = "/."
"""The path of a snapshot's top that is only to be compared."""

_AREA: Final = 1_000_001
"""The number of the token of the place in which streams are received; gone at the end."""
_KEPT: Final = 1_000_002
"""The number of the token of what is kept of the volume itself; those for snapshots follow."""
_SNAPSHOTS_KEPT: Final = 2
"""So many of the newest that cross are kept as they came: the source may delete one."""

Show = Callable[[str | None, int], None]
"""Gets the snapshot whose stream is under way (None: the volume itself) and the bytes of it so far."""
TakeOver = Callable[[int, str | None], bool]
"""Checks and dresses the n-th staged tree; tells whether it still is what the sender has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamBase:
    """What the first stream of a refresh may build on.

    With a `snapshot` it is what that was at the source while it was listed under this UUID.
    """

    origin: Origin
    snapshot: str = ""
    listed: str = ""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """How a refresh comes as streams: of which snapshots, oldest first, and what the first one may build on."""

    asked: tuple[str, ...]
    bases: tuple[StreamBase, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamedVolume:
    """What is sent: a volume with its snapshots, oldest first, or one snapshot (`only`) as a volume of its own."""

    driver: Driver
    volume: Volume
    snapshots: tuple[str, ...]
    only: str | None = None


def send_streams(
    sent: StreamedVolume,
    intent: Intent,
    agreement: Agreement,
    data: DataChannel,
    show: Show,
    cancelled: Cancelled,
    bases: SentBase,
) -> None:
    """Send list and streams; read-only copies are staged under the intent's tokens.

    The first difference is to what crossed before, if the target still has that, else to a snapshot that it has. What
    was sent of the volume itself is named to `bases`, if a later difference can be to it.
    """
    driver, features = sent.driver, agreement.btrfs
    listed = sent.snapshots if agreement.refresh else agreement.wanted
    held: dict[str | None, SendPlace] = {}
    for number, name in enumerate((*listed, None)):
        origin = Origin(volume=sent.volume, snapshot=name or sent.only)
        held[name] = driver.hold_to_send(intent.token(number), origin, name or MAIN_NAME)
    if not features.subvolumes and any(len(place.parts) > 1 for place in held.values()):
        raise MigrationError("Subvolumes detected in source but target does not support receiving subvolumes")
    wanted, unlike = agreement.wanted, frozenset[str]()
    if features.header:
        is_compared = agreement.refresh and not agreement.own.trees
        compared = set(listed) - set(wanted) if is_compared else set()
        send_list(data, [each for name, place in held.items() for each in _entries(name, place, sent.only, compared)])
        if agreement.refresh and features.uuids:
            answer = receive_list(data)
            wanted = tuple(name for name in listed if _has(answer, name, _TOP))
            unlike = frozenset(name for name in compared if _has(answer, name, _TOP_COMPARED))
    base, is_here = bases.find(driver, agreement.own.bases), False
    if base is None and agreement.refresh:
        base = _base(held, [name for name in listed if name not in unlike], wanted)
        if base is not None and agreement.own.trees and base.parts[0].identity not in agreement.own.bases:
            base = None
    for name in (*wanted, None):
        place = held[name]
        for part in place.parts:
            is_known = base is not None and (is_here or (base.is_kept and not part.path))
            with driver.sending_from(place, part.path, base if is_known else None) as stream:
                pump(stream, data, progress=partial(show, name), cancelled=cancelled)
            data.end()
        base, is_here = place, True
    if agreement.own.trees and sent.only is None and len(held[None].parts) == 1:
        bases.token = intent.token(len(listed))


def receive_streams(
    driver: Driver,
    intent: Intent,
    names: Sequence[str],
    agreement: Agreement,
    data: DataChannel,
    take_over: TakeOver,
    show: Show,
    cancelled: Cancelled,
    *,
    plan: StreamPlan | None = None,
    kept: ReceivedBases | None = None,
) -> None:
    """Stage the tree of each named snapshot under the tokens 0…, then the volume's; `kept` gets some as they came.

    What the plan asks for beside is received and not used.
    """
    wanted: list[str | None] = [*names, None]
    area = intent.token(_AREA)
    plan = plan or StreamPlan(tuple(names))
    places = _announced(agreement, data, plan)
    origins = [base.origin for base in plan.bases]
    driver.stage_area(area)
    try:
        listed: dict[str, Origin | tuple[int, str]] = {base.listed: base.origin for base in plan.bases if base.listed}
        for number, place in enumerate(places):
            with driver.receiving(area, number, None, *origins, listed=listed) as sink:
                pump(data.whole_pieces(), sink, progress=partial(show, place.snapshot), cancelled=cancelled)
            if place.snapshot is not None:
                listed[place.identity] = (number, RECEIVED)
        for number, name in enumerate(wanted):
            parts = [(index, place) for index, place in enumerate(places) if place.snapshot == name]
            token, (index, place) = intent.token(number), parts[0]
            bases = kept if len(parts) == 1 and _may_be_base(agreement, number, names) else None
            identity = _lasting_identity(driver, area, index, place) if name is not None and len(parts) == 1 else None
            received = [(index, RECEIVED, place.path) for index, place in parts]
            driver.assemble(token, area, received, is_last_use=bases is None)
            is_same = take_over(number, name)
            driver.protect_parts(token, [place.path for _, place in parts if place.path and place.is_read_only])
            if identity is not None and is_same:
                driver.keep_identity(token, identity)
            elif bases is not None and name is None:
                bases.stage(driver, intent.token(_KEPT), area, index)
            elif bases is not None:
                bases.stage(driver, intent.token(_KEPT + 1 + number), area, index, name, place.identity)
    finally:
        driver.discard(area)


def _lasting_identity(driver: Driver, area: str, number: int, place: StreamPlace) -> PartIdentity | None:
    """Return as what a later difference names the snapshot that was received.

    LXD calls one that it has writable by what it was received with for the last time when it sends it.
    """
    identity = driver.part_identity(area, number)
    if identity is None or place.is_read_only:
        return identity
    with suppress(ValueError):
        return uuid.UUID(place.identity), identity[1]
    return identity


def _may_be_base(agreement: Agreement, number: int, names: Sequence[str]) -> bool:
    """Tell whether what was received as this tree may be worth keeping as it came: see `transfer_bases.py`."""
    return agreement.own.trees if number == len(names) else number >= len(names) - _SNAPSHOTS_KEPT


def _announced(agreement: Agreement, data: DataChannel, plan: StreamPlan) -> list[StreamPlace]:
    """Return what will come, and say in a refresh what of it is wanted."""
    wanted: list[str | None] = [*plan.asked, None]
    if not agreement.btrfs.header:
        return [StreamPlace(Layout.INSTANCE, name, "", is_read_only=name is not None) for name in wanted]
    listed = receive_list(data)
    there = {entry.snapshot: entry.uuid for entry in listed if entry.path == _TOP}
    for base in plan.bases:
        if base.snapshot and there.get(base.snapshot) != base.listed:
            raise OtherSnapshotError(base.snapshot)
    entries = [entry for entry in listed if (entry.snapshot or None) in wanted]
    places = checked_places(entries, Layout.INSTANCE, wanted, "The other server's list of subvolumes")
    if agreement.refresh and agreement.btrfs.uuids:
        send_list(data, entries)
    return places


def _entries(name: str | None, place: SendPlace, only: str | None, compared: Collection[str]) -> list[SubvolumeEntry]:
    if name in compared:
        return [SubvolumeEntry(path=_TOP_COMPARED, snapshot=name or "", uuid=place.parts[0].identity)]
    return [
        SubvolumeEntry(
            path=f"/{part.path}",
            snapshot=name or "",
            readonly=part.is_read_only and not (only is not None and not part.path),
            uuid=part.identity,
        )
        for part in place.parts
    ]


def _has(answer: Sequence[SubvolumeEntry], name: str, path: str) -> bool:
    return any(entry.snapshot == name and entry.path == path for entry in answer)


def _base(held: dict[str | None, SendPlace], listed: Sequence[str], wanted: Sequence[str]) -> SendPlace | None:
    """Return the snapshot before the first that is wanted; the newest, if none is."""
    before = listed[: listed.index(wanted[0])] if wanted else listed
    return held[before[-1]] if before else None
