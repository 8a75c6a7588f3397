"""The frame around a transfer's work: an operation whose channels come about, are cut by a cancel, and end with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from holdfast.host.tcp import shortest_round_trip_s
from holdfast.migration import sink
from holdfast.migration.agreement import telling
from holdfast.migration.channels import FRAME_CAP_BYTES, STALLED_S, Connector, ControlChannel, DataChannel
from holdfast.migration.header import Header
from holdfast.model.errors import CancelledOperationError, HoldfastError, MigrationError
from holdfast.model.kinds import OperationClass
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations

__all__ = [
    "FRAME_CAP_BYTES",
    "STALLED_S",
    "Connector",
    "Receiving",
    "shortest_round_trip_s",
    "start_receiving",
    "start_sending",
]

_log = logging.getLogger(__name__)

Resources = Mapping[str, Sequence[str]]
Send = Callable[[ControlChannel, DataChannel, OperationHandle], None]


@dataclass(frozen=True, slots=True)
class Receiving:
    """One transfer under way, from the offer on."""

    caller: Caller
    offer: Header
    control: ControlChannel
    data: DataChannel
    handle: OperationHandle


def start_sending(
    operations: Operations, caller: Caller, description: str, connector: Connector, resources: Resources, send: Send
) -> Operation:
    """Start the operation of a source."""

    def work(handle: OperationHandle) -> None:
        with _migrating(connector, handle) as (control, data), telling(control, data):
            send(control, data, handle)

    return _start(operations, caller, description, connector, resources, work)


def start_receiving(
    operations: Operations,
    caller: Caller,
    description: str,
    connector: Connector,
    resources: Resources,
    receive: Callable[[Receiving], None],
    *,
    has_snapshots: bool,
) -> Operation:
    """Start the operation of a target; without `has_snapshots` those that are offered are left out."""

    def work(handle: OperationHandle) -> None:
        with _migrating(connector, handle) as (control, data):
            with _explained(), telling(control, data):
                offer = sink.receive_offer(control)
                if not has_snapshots:
                    offer = replace(offer, snapshots=())
                receive(Receiving(caller, offer, control, data, handle))
            _tell_success(control)

    return _start(operations, caller, description, connector, resources, work)


def _start(
    operations: Operations,
    caller: Caller,
    description: str,
    connector: Connector,
    resources: Resources,
    work: Callable[[OperationHandle], None],
) -> Operation:
    """Start an operation that others connect to, or one that connects by itself."""
    return operations.start(
        caller,
        description,
        work,
        resources=resources,
        may_cancel=True,
        operation_class=OperationClass.WEBSOCKET if connector.secrets else OperationClass.TASK,
        metadata=dict(connector.secrets) or None,
        if_never_begun=connector.close,
    )


@contextmanager
def _migrating(connector: Connector, handle: OperationHandle) -> Iterator[tuple[ControlChannel, DataChannel]]:
    """Give the channels; a body that fails because of a cancel ends as cancelled."""
    handle.on_cancel(connector.abort)
    try:
        control = ControlChannel(connector.connect("control"))
        data = DataChannel(connector.connect("fs"))
        yield control, data
    except HoldfastError as error:
        if handle.is_cancelled():
            raise CancelledOperationError("The operation was cancelled") from error
        raise
    finally:
        connector.close()


@contextmanager
def _explained() -> Iterator[None]:
    """Say of a failure that it is one of the transfer, in LXD's words."""
    try:
        yield
    except CancelledOperationError:
        raise
    except HoldfastError as error:
        raise MigrationError(f"Error transferring instance data: {error}") from error


def _tell_success(control: ControlChannel) -> None:
    """Tell the other side; here all is stored and recorded, whether it hears that or not."""
    try:
        sink.finish(control)
    except MigrationError as error:
        _log.warning("The other server could not be told that all is stored: %s", error)
