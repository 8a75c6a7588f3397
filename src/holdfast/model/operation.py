"""An operation as seen from outside at one moment, and an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from holdfast.model.kinds import OperationClass, StatusCode

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A snapshot of an operation's state; `resources` maps LXD's type names to full URLs."""

    id: str
    project: str
    operation_class: OperationClass
    description: str
    created_at: datetime
    updated_at: datetime
    status: StatusCode
    resources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: Mapping[str, JsonValue] | None = None
    may_cancel: bool = False
    error: str = ""
    error_status: int = 0


class EventType(StrEnum):
    OPERATION = "operation"
    LOGGING = "logging"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True, kw_only=True, slots=True)
class Requestor:
    """Who asked: LXD's `requestor` of events."""

    username: str
    protocol: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifecycle:
    """One lifecycle event: `action` such as "instance-created", `source` the object's URL."""

    action: str
    source: str
    context: Mapping[str, JsonValue] = field(default_factory=dict)
    requestor: Requestor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    level: str
    message: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event of the stream; `body` says which type it is. Logging events have no project."""

    timestamp: datetime
    project: str | None
    body: Operation | Lifecycle | LogLine

    @property
    def type(self) -> EventType:
        if isinstance(self.body, Operation):
            return EventType.OPERATION
        return EventType.LIFECYCLE if isinstance(self.body, Lifecycle) else EventType.LOGGING
