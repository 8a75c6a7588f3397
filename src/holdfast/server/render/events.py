"""Events as the stream shows them."""

from __future__ import annotations

import msgspec

from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.operation import Event, Lifecycle, LogLine, Operation
from holdfast.server.render.operations import operation_shape
from holdfast.wire import event as wire
from holdfast.wire.timestamps import to_wire


def event_shape(event: Event) -> wire.Event:
    """Logging events have no project; others that belong to none are shown in the default one, as LXD does."""
    project = msgspec.UNSET if isinstance(event.body, LogLine) else event.project or DEFAULT_PROJECT
    return wire.Event(
        type=event.type.value, timestamp=to_wire(event.timestamp), metadata=_body(event.body), project=project
    )


def _body(body: Operation | Lifecycle | LogLine) -> object:
    if isinstance(body, Operation):
        return operation_shape(body)
    if isinstance(body, LogLine):
        return wire.LogLine(message=body.message, level=body.level, context=dict(body.context))
    requestor = body.requestor
    return wire.Lifecycle(
        action=body.action,
        source=body.source,
        context=dict(body.context) or None,
        requestor=None
        if requestor is None
        else wire.Requestor(username=requestor.username, protocol=requestor.protocol, address=requestor.address),
    )
