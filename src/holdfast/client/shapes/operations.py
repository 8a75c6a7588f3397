"""Background work, and what is told while it goes on."""

from __future__ import annotations

from typing import TypedDict


class Operation(TypedDict):
    """Background work; final when `status_code` is 200 or more (200 done, 400 failed, 401 cancelled)."""

    id: str
    description: str
    created_at: str
    status: str
    status_code: int
    resources: dict[str, list[str]] | None
    metadata: dict[str, object] | None
    may_cancel: bool
    err: str


class OperationListed(Operation):
    """An operation as lists show it, with its class: `task`, `websocket` or `token`."""

    location: str


class Event(TypedDict):
    """One message of the events stream: `type` is operation, lifecycle or logging."""

    type: str
    timestamp: str
    metadata: dict[str, object]
    location: str
    project: str
