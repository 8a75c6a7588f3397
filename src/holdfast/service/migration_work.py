"""The frame around a migration's work: its channels come about, are cut by a cancel, and end with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.migration.channels import FRAME_CAP_BYTES, STALLED_S, Connector, ControlChannel, DataChannel
from holdfast.model.errors import CancelledOperationError, HoldfastError
from holdfast.model.kinds import OperationClass
from holdfast.service.operation_handle import OperationHandle

__all__ = ["FRAME_CAP_BYTES", "STALLED_S", "Connector", "migrating", "operation_kind"]


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
