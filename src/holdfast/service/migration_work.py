"""The frame around a migration's work: its channels come about, are cut by a cancel, and end with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.migration import sink
from holdfast.migration.channels import FRAME_CAP_BYTES, STALLED_S, Connector, ControlChannel, DataChannel
from holdfast.model.errors import CancelledOperationError, HoldfastError, MigrationError
from holdfast.model.kinds import OperationClass
from holdfast.service.operation_handle import OperationHandle

__all__ = [
    "FRAME_CAP_BYTES",
    "STALLED_S",
    "Connector",
    "explained_transfer",
    "migrating",
    "operation_kind",
    "tell_success",
]

_log = logging.getLogger(__name__)


def operation_kind(connector: Connector) -> OperationClass:
    """Return the class of the operation: one that others connect to, or one that connects by itself."""
    return OperationClass.WEBSOCKET if connector.secrets else OperationClass.TASK


@contextmanager
def migrating(connector: Connector, handle: OperationHandle) -> Iterator[tuple[ControlChannel, DataChannel]]:
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
def explained_transfer() -> Iterator[None]:
    """Say of a failure that it is one of the transfer, in LXD's words."""
    try:
        yield
    except CancelledOperationError:
        raise
    except HoldfastError as error:
        raise MigrationError(f"Error transferring instance data: {error}") from error


def tell_success(control: ControlChannel) -> None:
    """Tell the other side; here all is stored and recorded, whether it hears that or not."""
    try:
        sink.finish(control)
    except MigrationError as error:
        _log.warning("The other server could not be told that all is stored: %s", error)
