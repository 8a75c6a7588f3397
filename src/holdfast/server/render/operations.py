"""Operations as the API shows them."""

from __future__ import annotations

from holdfast.model.operation import Operation
from holdfast.wire import operation as wire
from holdfast.wire.timestamps import to_wire


def operation_url(operation: Operation) -> str:
    return f"/1.0/operations/{operation.id}"


def operation_shape(operation: Operation) -> wire.Operation:
    return wire.Operation(
        id=operation.id,
        class_=operation.operation_class.value,
        description=operation.description,
        created_at=to_wire(operation.created_at),
        updated_at=to_wire(operation.updated_at),
        status=operation.status.text,
        status_code=int(operation.status),
        resources={kind: list(urls) for kind, urls in operation.resources.items()} or None,
        metadata=None if operation.metadata is None else dict(operation.metadata),
        may_cancel=operation.may_cancel,
        err=operation.error,
    )
