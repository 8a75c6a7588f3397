"""The envelope around every JSON answer; all seven keys are always there."""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.wire.operation import Operation


class SyncAnswer(msgspec.Struct, kw_only=True):
    """The answer itself is in `metadata`."""

    type: str = "sync"
    status: str = "Success"
    status_code: int = 200
    operation: str = ""
    error_code: int = 0
    error: str = ""
    metadata: Any = None


class AsyncAnswer(msgspec.Struct, kw_only=True):
    """The work goes on behind the answer: `operation` is its URL."""

    type: str = "async"
    status: str = "Operation created"
    status_code: int = 100
    operation: str
    error_code: int = 0
    error: str = ""
    metadata: Operation


class ErrorAnswer(msgspec.Struct, kw_only=True):
    """`error_code` is the HTTP status."""

    type: str = "error"
    status: str = ""
    status_code: int = 0
    operation: str = ""
    error_code: int
    error: str
    metadata: None = None
