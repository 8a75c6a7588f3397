"""Operations."""

from __future__ import annotations

from typing import Any

import msgspec


class Operation(msgspec.Struct, kw_only=True):
    """Work behind a request; final from status code 200 on."""

    id: str
    class_: str = msgspec.field(name="class")
    description: str
    created_at: str
    updated_at: str
    status: str
    status_code: int
    resources: dict[str, list[str]] | None
    metadata: dict[str, Any] | None
    may_cancel: bool
    err: str
    location: str = "none"


class OperationSecret(msgspec.Struct, kw_only=True):
    """What lets somebody who isn't trusted wait for an operation."""

    secret: str = ""


class StartedOperation(msgspec.Struct, kw_only=True):
    """What is looked at of an operation that another server has begun for us."""

    id: str
    metadata: OperationSecret = msgspec.field(default_factory=OperationSecret)


class StartedOperationAnswer(msgspec.Struct, kw_only=True):
    metadata: StartedOperation


class EndedOperation(msgspec.Struct, kw_only=True):
    """What is looked at of an operation that another server carries out for us."""

    status_code: int
    err: str = ""


class EndedOperationAnswer(msgspec.Struct, kw_only=True):
    metadata: EndedOperation
