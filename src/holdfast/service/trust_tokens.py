"""One-time tokens for new clients. Each is an operation without work, which ends when it is used or revoked.

They live in memory, as LXD's do: a restart revokes all of them.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from datetime import datetime
from typing import Final

from holdfast.model.clock import Clock
from holdfast.model.kinds import OperationClass
from holdfast.model.operation import JsonValue, Operation
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.operations import Operations

_EXPIRES_AT: Final = "expiresAt"


class TrustTokens:
    """Those that can be used right now."""

    def __init__(self, operations: Operations, clock: Clock) -> None:
        self._operations, self._clock = operations, clock
        self._lock = threading.Lock()

    def issue(
        self,
        caller: Caller,
        request: dict[str, JsonValue],
        *,
        addresses: list[str],
        fingerprint: str,
        expires_at: datetime | None,
    ) -> Operation:
        """Make one; the operation's metadata is all that its text is made of."""
        metadata: dict[str, JsonValue] = {
            "addresses": [*addresses],
            "fingerprint": fingerprint,
            "request": request,
            "secret": secrets.token_hex(32),
        }
        if expires_at is not None:
            metadata[_EXPIRES_AT] = expires_at.isoformat().replace("+00:00", "Z")
        handle = self._operations.open(
            caller,
            "Executing operation",
            operation_class=OperationClass.TOKEN,
            metadata=metadata,
            may_cancel=True,
        )
        handle.run()
        return handle.snapshot()

    def use(self, caller: Caller, client_name: str, secret: str) -> dict[str, JsonValue] | None:
        """Take the request that a token was issued for, and end the token; None if there is no such token."""
        with self._lock:
            self.expire()
            for operation in self._running():
                metadata = operation.metadata or {}
                request = metadata.get("request")
                known = str(metadata.get("secret"))
                if not isinstance(request, dict) or not hmac.compare_digest(known.encode(), secret.encode()):
                    continue
                if request.get("name") != client_name:
                    continue
                self._operations.cancel(caller, operation.id)
                return request
        return None

    def expire(self) -> None:
        """End those whose time is over."""
        now = self._clock.now()
        for operation in self._running():
            text = (operation.metadata or {}).get(_EXPIRES_AT)
            if isinstance(text, str) and datetime.fromisoformat(text) <= now:
                self._operations.cancel(INTERNAL, operation.id)

    def _running(self) -> list[Operation]:
        return [
            each
            for each in self._operations.list(None)
            if each.operation_class is OperationClass.TOKEN and each.may_cancel
        ]
