"""The side that has what is to be copied: it offers, hears what is wanted, sends, and waits for the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from holdfast.migration.agreement import Agreement
from holdfast.migration.channels import ControlChannel, DataChannel, RemoteFailureError
from holdfast.migration.header import Criu, Header, decode_header, encode_header
from holdfast.migration.negotiation import INDEX_VERSION, Way, common_own, common_ways, offered
from holdfast.model.errors import MigrationError
from holdfast.wire import migration as wire


def offer(control: ControlChannel, data: DataChannel, header: Header, ways: Sequence[Way]) -> Agreement:
    """Send the offer and return what the other side makes of it; from then on its failures end the data channel."""
    control.send_header(encode_header(offered(replace(header, index_version=INDEX_VERSION), ways)))
    answer = decode_header(control.receive_header())
    control.watch(data.socket)
    wanted = tuple(each.name for each in answer.snapshots)
    unknown = set(wanted) - {each.name for each in header.snapshots}
    if unknown:
        raise MigrationError(f"The other server wants snapshots that there aren't: {', '.join(sorted(unknown))}")
    in_order = tuple(each.name for each in header.snapshots if each.name in wanted)
    refresh = bool(answer.refresh)
    way = common_ways(answer, ways, refresh=refresh)[0]
    return Agreement(
        way=way,
        wanted=in_order,
        refresh=refresh,
        is_twice=header.criu is Criu.NONE and answer.criu is Criu.NONE,
        index_version=min(answer.index_version, INDEX_VERSION),
        own=common_own(header.own, answer.own),
    )


def send_index(data: DataChannel, index: wire.IndexHeader, agreement: Agreement) -> None:
    """Tell what the volume is, and hear that the other side is ready for it."""
    if not agreement.index_version:
        return
    data.send_document(wire.encode(index))
    try:
        answer = wire.decode_answer(data.receive_document())
    except wire.MigrationFormatError as error:
        raise MigrationError(f"The other server's answer to the index can't be read: {error}") from error
    if answer.status != 200:
        raise RemoteFailureError(answer.error or f"The other server refused the index ({answer.status})")


def finish(control: ControlChannel) -> None:
    """Wait for the word that everything is stored; raise what the other side failed with."""
    outcome = control.wait()
    if not outcome.is_success:
        raise RemoteFailureError(outcome.message or "The other server gave up")
