"""The side that receives: it hears what is offered, answers what it wants, and says at the end that all is stored."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.migration.agreement import Agreement
from holdfast.migration.channels import ControlChannel, DataChannel
from holdfast.migration.header import (
    Criu,
    FsType,
    Header,
    Outcome,
    OwnFeatures,
    SentSnapshot,
    decode_header,
    encode_header,
)
from holdfast.migration.negotiation import INDEX_VERSION, Way, common_own, common_ways, offered
from holdfast.model.errors import MigrationError
from holdfast.wire import migration as wire


def receive_offer(control: ControlChannel) -> Header:
    """Return what the other side offers; raise what it failed with before."""
    return decode_header(control.receive_header())


def answer(
    control: ControlChannel,
    data: DataChannel,
    offer: Header,
    ways: Sequence[Way],
    wanted: Sequence[SentSnapshot],
    *,
    own: OwnFeatures,
    refresh: bool,
) -> Agreement:
    """Say what of the offer is wanted; from then on failures of the other side end the data channel."""
    common = common_ways(offer, ways, refresh=refresh)
    way = common[0]
    is_twice = offer.criu is Criu.NONE and way.fs in (FsType.RSYNC, FsType.BLOCK_AND_RSYNC)
    both = common_own(own, offer.own)
    version = min(offer.index_version, INDEX_VERSION)
    header = Header(
        fs=way.fs,
        criu=Criu.NONE if is_twice else None,
        snapshots=tuple(wanted),
        predump=None if offer.predump is None else False,
        refresh=refresh,
        volume_bytes=offer.volume_bytes,
        index_version=version,
        own=both,
    )
    control.send_header(encode_header(offered(header, common)))
    control.watch(data.socket)
    return Agreement(
        way=way,
        wanted=tuple(each.name for each in wanted),
        refresh=refresh,
        is_twice=is_twice,
        index_version=version,
        own=both,
    )


def receive_index(data: DataChannel, agreement: Agreement) -> wire.IndexHeader:
    """Return what the other side tells about the volume, and say that we are ready."""
    if not agreement.index_version:
        return wire.IndexHeader()
    try:
        index = wire.decode_index(data.receive_document())
    except wire.MigrationFormatError as error:
        raise MigrationError(f"The other server's index can't be read: {error}") from error
    data.send_document(wire.encode(wire.IndexAnswer(status=200, refresh=agreement.refresh)))
    return index


def finish(control: ControlChannel) -> None:
    """Say that everything is stored."""
    control.send_outcome(Outcome(is_success=True))
