"""Messages of the events stream."""

from __future__ import annotations

from typing import Any

import msgspec


class Requestor(msgspec.Struct, kw_only=True):
    username: str
    protocol: str
    address: str


class Lifecycle(msgspec.Struct, kw_only=True, omit_defaults=True):
    action: str
    source: str
    context: dict[str, Any] | None = None
    requestor: Requestor | None = None


class LogLine(msgspec.Struct, kw_only=True):
    message: str
    level: str
    context: dict[str, str]


class Event(msgspec.Struct, kw_only=True):
    type: str
    timestamp: str
    metadata: Any
    location: str = "none"
    project: str | msgspec.UnsetType = msgspec.UNSET
