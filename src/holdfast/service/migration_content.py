"""The data of a transfer, in the way that was agreed on: from trees that hold still to staged trees."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from holdfast.archive.layout import BACKUP_YAML
from holdfast.host.failures import explained
from holdfast.host.file_copy import have_same_attributes
from holdfast.host.tree_links import link_unchanged
from holdfast.host.ways_out import entries_to_show
from holdfast.migration.agreement import Agreement
from holdfast.migration.asking import asked_of_lxd
from holdfast.migration.blocks import receive_block, send_block
from holdfast.migration.channels import DataChannel
from holdfast.migration.header import Header, OwnFeatures
from holdfast.migration.negotiation import Way, own_ways
from holdfast.migration.rsync import receive_differences
from holdfast.migration.rsync import receive_tree as receive_by_rsync
from holdfast.migration.rsync import send_tree as send_by_rsync
from holdfast.migration.rsync_log import Listing
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_receive import receive_tree
from holdfast.migration.tree_send import SendOptions, send_tree
from holdfast.model.errors import MigrationError, NoSpaceError, QuotaError
from holdfast.model.kinds import ContentType, VolumeType
from holdfast.model.sizes import parse_bytes
from holdfast.model.storage import Volume
from holdfast.model.transfer_base import TransferBase
from holdfast.model.volume import DISK_FILE as DISK_NAME
from holdfast.service.intents import Intent
from holdfast.service.migration_records import base_of
from holdfast.service.migration_streams import Show, StreamBase, StreamPlan, TakeOver, receive_streams
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import RateMeter
from holdfast.service.reserve import RESERVE_BYTES
from holdfast.service.transfer_bases import ReceivedBases
from holdfast.storage.driver import Driver, Origin
from holdfast.streams.copy import Progress

_LOOK_S: Final = 0.5
_LARGEST_DISK_BYTES: Final = 1 << 50
_MOST_LISTED: Final = 1_000_000
"""Entries that rsync's notes may have: each takes some 250 bytes of memory while they are read."""
_MIB: Final = 1024 * 1024
_DISK_STEP_BYTES: Final = 8192
"""LXD rounds up the sizes of disks to this."""


def shown(handle: OperationHandle, volume: str) -> Show:
    """Return what shows the progress of a transfer, in LXD's words."""
    meter = RateMeter()
    return lambda name, done_bytes: handle.progress("fs_progress", f"{name or volume}: {meter.text(done_bytes)}")


def send_part(
    driver: Driver,
    tree: Path,
    name: str | None,
    agreement: Agreement,
    data: DataChannel,
    show: Show,
    handle: OperationHandle,
    *,
    may_vanish: bool = False,
) -> None:
    """Send the tree of a snapshot, or of the volume (None), where none are sent as streams."""

    def progress(done_bytes: int) -> None:
        show(name, done_bytes)

    if agreement.is_block:
        send_block(data, tree / DISK_NAME, progress=progress, cancelled=handle.is_cancelled)
        return
    limit = driver.pool.config.get("rsync.bwlimit", "")
    if agreement.has_own_trees:
        chosen = SendOptions(compress=not agreement.own.uncompressed, bytes_per_s=parse_bytes(limit) if limit else 0)
        send_tree(data, tree, chosen, progress=progress, cancelled=handle.is_cancelled)
    else:
        options = agreement.rsync(bwlimit=limit, may_vanish=may_vanish)
        send_by_rsync(data, tree, options, progress=progress)


def ways_of(driver: Driver, data: DataChannel, *, is_block: bool = False, may_stream: bool = True) -> tuple[Way, ...]:
    """Return how a pool's volumes can travel.

    rsync compresses as the pool's key says; without one, not on a local line, which is faster than its compression.
    """
    said = _compression_of(driver)
    has_streams = may_stream and driver.features.has_btrfs_streams
    return own_ways(has_streams=has_streams, is_block=is_block, compress=not data.is_local if said is None else said)


def own_features(driver: Driver, bases: Sequence[str] = ()) -> OwnFeatures:
    """Return what this side can do beside what LXD knows. Our own way compresses by what it sees of the line."""
    return OwnFeatures(trees=True, uncompressed=_compression_of(driver) is False, bases=tuple(bases))


def offered_bases(
    driver: Driver, volume: Volume, snapshots: Sequence[str], usable: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the identities of all that the source can send differences to: what crossed before, and its snapshots."""
    identities = (driver.sent_identity(volume, name) for name in snapshots)
    return (*usable, *(each for each in identities if each is not None))


def _compression_of(driver: Driver) -> bool | None:
    said = driver.pool.config.get("rsync.compression")
    return said.lower() in ("true", "1", "yes", "on") if said else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """What a refresh builds on: the plan of its btrfs streams; `bases` tells a source of ours what that is."""

    plan: StreamPlan | None
    bases: tuple[str, ...]
    may_stream: bool


NOTHING: Final = Foundation(plan=None, bases=(), may_stream=True)
"""What a first copy builds on."""


def foundation(
    driver: Driver,
    volume: Volume,
    offer: Header,
    sent: Sequence[str],
    shared: Collection[str],
    usable: Mapping[str, str],
    of_snapshots: Mapping[str, TransferBase] = MappingProxyType({}),
) -> Foundation:
    """Find what both sides have: of the `usable` bases here what the other side offers, else `shared` snapshots.

    What is offered can be more than those and what is `sent`: a backup server doesn't fetch what it wouldn't keep.
    `of_snapshots` is what is kept of snapshots that aren't stored as they came.
    """
    common = next((each for each in offer.own.bases if each in usable), None)
    if common is not None:
        plan = StreamPlan(tuple(sent), (StreamBase(origin=Origin(volume=volume, base=usable[common])),))
        return Foundation(plan=plan, bases=(common,), may_stream=True)
    found = _stream_plan(driver, volume, offer, sent, shared, of_snapshots)
    snapshots = () if found is None or not offer.own.trees else (each.origin.snapshot for each in found.bases)
    identities = (driver.base_identity(volume, each) for each in snapshots if each is not None)
    bases = tuple(each for each in identities if each is not None)
    return Foundation(plan=found, bases=bases, may_stream=found is not None)


def _stream_plan(
    driver: Driver,
    volume: Volume,
    offer: Header,
    sent: Sequence[str],
    shared: Collection[str],
    of_snapshots: Mapping[str, TransferBase],
) -> StreamPlan | None:
    """Return how a refresh comes as streams: on a snapshot that is known here, or from the first snapshot on.

    That one comes whole, once, so that later ones can be differences to it. Without snapshots files come with less by
    other ways. Disks don't: from a server of ours they come as streams, so that the next time has a base.
    """
    there = [each.name for each in offer.snapshots]

    def known(name: str) -> StreamBase | None:
        if name in of_snapshots:
            kept = of_snapshots[name]
            return StreamBase(origin=Origin(volume=volume, base=kept.token), snapshot=name, listed=kept.listed)
        identity = driver.base_identity(volume, name)
        if identity is None or (offer.own.trees and identity not in offer.own.bases):
            return None  # or it is another one at the source: a copy of what came here, say
        return StreamBase(origin=Origin(volume=volume, snapshot=name))

    if not offer.own.trees:
        bases = {name: base for name in there if name in shared and (base := known(name)) is not None}
        asked = asked_of_lxd(there, sent, bases)
        return None if asked is None else StreamPlan(asked.names, tuple(bases[name] for name in asked.parents))
    before = base_of([name for name in there if name in shared or name in sent], sent)
    base = None if before is None else known(before)
    if base is not None:
        return StreamPlan(tuple(sent), (base,))
    may_be_whole = (before is None and sent) or volume.content_type is ContentType.BLOCK
    return StreamPlan(tuple(sent)) if may_be_whole else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reception:
    """What is received, and where: token n for the tree of the n-th name, the token after them for the volume.

    `template` is the volume as it is, and like what comes: the differences to it are sent then. `may_share` tells of a
    snapshot's tree, or the volume's (None), whether it may have files of that until one of the two goes, as `take_over`
    changes none. `plan` is how a refresh comes by streams; `kept` takes what comes by streams, where the source can
    build on it again. `take_over` gets the number of a staged tree and its snapshot's name. `quota_bytes` is the limit
    of the volume; of block content, how large a disk may be.
    """

    driver: Driver
    intent: Intent
    volume: Volume
    names: tuple[str, ...]
    take_over: TakeOver
    quota_bytes: int | None = None
    template: Origin | None = None
    may_share: Callable[[str | None], bool] = lambda _: False
    plan: StreamPlan | None = None
    kept: ReceivedBases | None = None


def receive_content(reception: Reception, agreement: Agreement, data: DataChannel, handle: OperationHandle) -> bool:
    """Receive and stage everything; raise, with what was staged left to the intent, if that fails.

    Return False where the template, which may be shared, is what the volume is to be: then nothing is staged for it.
    """
    try:
        return _receive(reception, agreement, data, handle)
    except QuotaError as error:
        if reception.quota_bytes is None:
            raise
        raise QuotaError(_over_its_size(reception.volume, reception.quota_bytes)) from error


def _over_its_size(volume: Volume, size_bytes: int) -> str:
    what, remedy = f'Volume "{volume.name}"', "give it a larger one at its source"
    if volume.type is not VolumeType.CUSTOM:
        what, remedy = f'The root disk of "{volume.name}"', "copy it with a larger one (`-d root,size=…`)"
    size = f"{size_bytes / _MIB:g}MiB"
    return f"{what} is to have a size of {size}, and that is too small for what is in it: {remedy}"


def _receive(reception: Reception, agreement: Agreement, data: DataChannel, handle: OperationHandle) -> bool:
    """Receive by the way that was agreed upon."""
    tell, room = shown(handle, reception.volume.name), _Room(reception.driver)

    def show(name: str | None, done_bytes: int) -> None:
        tell(name, done_bytes)
        room.check()

    if agreement.has_streams:
        receive_streams(
            reception.driver,
            reception.intent,
            reception.names,
            agreement,
            data,
            reception.take_over,
            show,
            handle.is_cancelled,
            plan=reception.plan,
            kept=reception.kept,
        )
    elif agreement.is_block:
        _receive_blocks(reception, data, show, handle)
    elif agreement.has_own_trees:
        return _receive_own_trees(reception, agreement, data, show, handle)
    elif (former_entries := _entries_of_one(reception, agreement)) is not None:
        return _receive_differences(reception, agreement, data, show, handle, former_entries)
    else:
        _receive_trees(reception, agreement, data, show, handle)
    return True


def _receive_trees(
    reception: Reception,
    agreement: Agreement,
    data: DataChannel,
    show: Show,
    handle: OperationHandle,
) -> None:
    """Receive every tree into that of the volume, of which each snapshot then is a clone.

    Where a clone takes long the first snapshot has the files of the volume as it was instead, which goes then, and the
    tree of the volume is a clone of that snapshot.
    """
    driver, intent, volume = reception.driver, reception.intent, reception.volume
    main = intent.token(len(reception.names))
    is_linked = bool(reception.names) and _entries_to_link(reception, agreement, reception.names[0]) is not None

    def stage(origin: Origin | None, relative: Origin | None = None) -> None:
        driver.stage(main, origin, relative=relative, cancelled=handle.is_cancelled)
        driver.set_arrival_quota(main, reception.quota_bytes)

    def receive(name: str | None) -> None:
        receive_by_rsync(data, driver.staged_path(main), agreement.rsync(), progress=partial(show, name))

    if not is_linked:
        stage(reception.template if agreement.deletes else None)
    for number, name in enumerate(reception.names):
        token = intent.token(number)
        if is_linked and not number:
            _link(reception, token, _receive_changed(reception, agreement, data, token, partial(show, name)), handle)
            stage(Origin(volume=volume, staged=token), reception.template)
        else:
            receive(name)
            driver.stage(token, Origin(volume=volume, staged=main), cancelled=handle.is_cancelled)
        reception.take_over(number, name)
        if not agreement.deletes:
            driver.discard(main)
            stage(None)
    for _ in range(1 + agreement.is_twice):
        receive(None)
    reception.take_over(len(reception.names), None)


def _entries_of_one(reception: Reception, agreement: Agreement) -> int | None:
    """Return `_entries_to_link` where one tree comes, once."""
    is_one = not reception.names and not agreement.is_twice
    return _entries_to_link(reception, agreement, None) if is_one else None


def _entries_to_link(reception: Reception, agreement: Agreement, name: str | None) -> int | None:
    """Return what the volume as it is has, where what of a tree is unchanged may, and should, be linked from it."""
    may_share = reception.template is not None and reception.may_share(name) and agreement.deletes
    if not may_share or reception.driver.features.cheap_snapshots:
        return None
    return entries_to_show(reception.driver.path(reception.volume), _MOST_LISTED)


def _receive_changed(
    reception: Reception, agreement: Agreement, data: DataChannel, token: str, progress: Progress
) -> Listing:
    """Receive what isn't in the volume as it is into an empty tree; return what all there is."""
    tree, former = reception.driver.stage(token), reception.driver.path(reception.volume)
    reception.driver.set_arrival_quota(token, reception.quota_bytes)
    return receive_differences(data, tree, former, agreement.rsync(), progress=progress)


def _link(reception: Reception, token: str, listing: Listing, handle: OperationHandle) -> None:
    """Link all that is unchanged from the volume as it is."""
    former, tree = reception.driver.path(reception.volume), reception.driver.staged_path(token)
    with explained("What is unchanged can't be taken from the copy as it was", MigrationError):
        link_unchanged(former, tree, listing.unchanged, cancelled=handle.is_cancelled)


def _receive_differences(
    reception: Reception,
    agreement: Agreement,
    data: DataChannel,
    show: Show,
    handle: OperationHandle,
    former_entries: int,
) -> bool:
    """Receive what isn't as it was into an empty tree, and link all else from the volume as it is, which goes then.

    Return False, with nothing staged, where all is as it was.
    """
    driver, main = reception.driver, reception.intent.token()
    listing = _receive_changed(reception, agreement, data, main, partial(show, None))
    if _is_as_it_was(reception, listing, former_entries):
        driver.discard(main)
        return False
    _link(reception, main, listing, handle)
    reception.take_over(0, None)
    return True


def _is_as_it_was(reception: Reception, listing: Listing, former_entries: int) -> bool:
    """Tell whether the volume has all that is listed, unchanged, and nothing else.

    The other server's document of an instance is dropped in any case; how the top looks is ours to say there.
    """
    former, is_instance = reception.driver.path(reception.volume), reception.volume.type is VolumeType.CONTAINER
    if listing.changed - ({BACKUP_YAML.encode()} if is_instance else set()):
        return False
    if not is_instance and not have_same_attributes(former, reception.driver.staged_path(reception.intent.token())):
        return False
    return former_entries == listing.entries - len(listing.changed)


def _receive_own_trees(
    reception: Reception,
    agreement: Agreement,
    data: DataChannel,
    show: Show,
    handle: OperationHandle,
) -> bool:
    """Receive every tree into that of the volume, of which each snapshot then is a clone; return whether there is one.

    There is none where the volume alone is sent, and is what it was.
    """
    driver, intent, template = reception.driver, reception.intent, reception.template
    main = intent.token(len(reception.names))
    may_share = template is not None and reception.may_share(None)

    def stage() -> bool:
        is_shared = False
        if template is not None and may_share:
            is_shared = driver.stage_to_edit(main, template, cancelled=handle.is_cancelled)
        else:
            driver.stage(main, template, cancelled=handle.is_cancelled)
        driver.set_arrival_quota(main, reception.quota_bytes)
        return is_shared

    former = driver.path(reception.volume) if may_share and not reception.names else None
    ground = Ground(driver.staged_path(main), stage, former=former)

    def receive(name: str | None) -> None:
        receive_tree(data, ground, progress=partial(show, name), cancelled=handle.is_cancelled)

    for number, name in enumerate(reception.names):
        receive(name)
        clone, relative = Origin(volume=reception.volume, staged=main), template if ground.is_linked else None
        driver.stage(intent.token(number), clone, relative=relative, cancelled=handle.is_cancelled)
        reception.take_over(number, name)
    for _ in range(1 + agreement.is_twice):
        receive(None)
    if ground.is_staged:
        reception.take_over(len(reception.names), None)
    return ground.is_staged


def _receive_blocks(reception: Reception, data: DataChannel, show: Show, handle: OperationHandle) -> None:
    """Receive each disk into a tree of its own."""
    for number, name in enumerate((*reception.names, None)):
        tree = reception.driver.stage(reception.intent.token(number))
        receive_block(
            data,
            tree / DISK_NAME,
            largest_bytes=largest_disk_bytes(reception.quota_bytes),
            progress=partial(show, name),
            cancelled=handle.is_cancelled,
        )
        reception.take_over(number, name)


def largest_disk_bytes(size_bytes: int | None) -> int:
    """Return how large a disk may be that is received for a volume of this size."""
    return -(-size_bytes // _DISK_STEP_BYTES) * _DISK_STEP_BYTES if size_bytes else _LARGEST_DISK_BYTES


class _Room:
    """Sees to it that what others send doesn't take the last room of a pool."""

    def __init__(self, driver: Driver) -> None:
        self._driver, self._next_s = driver, 0.0

    def check(self) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _LOOK_S
        available = self._driver.resources().space_available_bytes
        if available is not None and available < RESERVE_BYTES:
            raise NoSpaceError(f'No space left in storage pool "{self._driver.pool.name}" for what is received')
