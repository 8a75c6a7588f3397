"""Which operations somebody may see, in lists and among events."""

from __future__ import annotations

from holdfast.model.access import Access
from holdfast.model.kinds import OperationClass
from holdfast.model.operation import Event, EventType, Operation


def may_see(access: Access, operation: Operation) -> bool:
    """Tell whether it is one of theirs.

    Tokens for new clients are for administrators: who reads one may become one. Those of images name their image.
    """
    if operation.operation_class is OperationClass.TOKEN and not operation.resources:
        return access.is_admin
    return access.may_see(operation.project)


def may_hear(access: Access, event: Event) -> bool:
    """Tell whether an event is for somebody. The log of the server is for administrators."""
    if isinstance(event.body, Operation):
        return may_see(access, event.body)
    if event.type is EventType.LOGGING:
        return access.is_admin
    return access.may_see(event.project)
