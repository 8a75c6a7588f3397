"""Secrets by which another server may take an image from here, or bring one: operations without work, as LXD has them.

They live in memory: a restart revokes all of them, and so does cancelling the operation. What a secret is for is kept
here, beside the operation, so that it can't be looked for among what others put into operations.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.model.clock import Clock
from holdfast.model.image import Image
from holdfast.model.kinds import OperationClass
from holdfast.model.operation import JsonValue, Operation
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageRequest
from holdfast.service.operations import Operations
from holdfast.service.resources import url

UNUSED_S: Final = 3600.0
"""How long a secret may lie about: clients that conduct a copy use it at once."""
USED_S: Final = 30.0
"""How long it is still good after it was first shown: a server asks for the description, then for the files, and maybe
for a part of them again. LXD has 5 s for that."""


@dataclass(slots=True)
class _Token:
    operation_id: str
    secret: str
    project: str
    fingerprint: str
    expected: ImageRequest | None
    """What the image becomes that is brought; None: one is taken from here."""
    ends_s: float
    is_used: bool = False


class ImageTokens:
    """Those that are good right now; thread-safe."""

    def __init__(self, operations: Operations, events: EventBus, clock: Clock) -> None:
        self._operations, self._events, self._clock = operations, events, clock
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}

    def grant_download(self, caller: Caller, image: Image) -> Operation:
        """Let whoever has the secret, which is in the operation's metadata, take this image."""
        source = url("images", image.fingerprint, project=image.project)
        operation = self._grant(caller, image.project, image.fingerprint, None, {})
        self._events.lifecycle(caller, image.project, "image-secret-created", source)
        return operation

    def grant_upload(
        self, caller: Caller, fingerprint: str, request: ImageRequest, told: Mapping[str, JsonValue]
    ) -> Operation:
        """Let whoever has the secret bring the image of this fingerprint, once, to the caller's project.

        `told` is shown of the request in the operation.
        """
        return self._grant(caller, caller.project, fingerprint, request, told)

    def downloadable(self, project: str, fingerprint: str, secret: str) -> str | None:
        """Return the whole fingerprint of the image that the secret lets somebody take, None if it doesn't."""
        token = self._find(secret)
        if token is None or token.expected is not None or token.project != project:
            return None
        if not fingerprint or not token.fingerprint.startswith(fingerprint):
            return None
        self._use(token, self._clock.monotonic() + USED_S)
        return token.fingerprint

    def take_upload(self, project: str, fingerprint: str, secret: str) -> ImageRequest | None:
        """Return what the image becomes that somebody brings, and end the secret; None if it isn't good for that."""
        with self._lock:
            token = self._found(secret)
            if token is None or token.expected is None or token.project != project or token.fingerprint != fingerprint:
                return None
            del self._tokens[token.operation_id]
        self._use(token, 0.0)
        return token.expected

    def _grant(
        self,
        caller: Caller,
        project: str,
        fingerprint: str,
        expected: ImageRequest | None,
        told: Mapping[str, JsonValue],
    ) -> Operation:
        secret = secrets.token_hex(32)
        self._expire()
        handle = self._operations.open(
            caller,
            "Image download token",
            operation_class=OperationClass.TOKEN,
            resources={"images": [url("images", fingerprint, project=project)]},
            metadata={**told, "secret": secret},
            may_cancel=True,
        )
        ends_s = self._clock.monotonic() + UNUSED_S
        with self._lock:
            self._tokens[handle.id] = _Token(handle.id, secret, project, fingerprint, expected, ends_s)
        handle.when_done(self._revoked)
        handle.run()
        return handle.snapshot()

    def _find(self, secret: str) -> _Token | None:
        with self._lock:
            return self._found(secret)

    def _found(self, secret: str) -> _Token | None:
        now_s = self._clock.monotonic()
        for token in self._tokens.values():
            if token.ends_s > now_s and hmac.compare_digest(token.secret.encode(), secret.encode()):
                return token
        return None

    def _use(self, token: _Token, ends_s: float) -> None:
        """Have the operation show that the secret was used."""
        with self._lock:
            if token.is_used:
                return
            token.is_used, token.ends_s = True, ends_s
        self._operations.cancel(INTERNAL, token.operation_id)

    def _revoked(self, operation: Operation) -> None:
        with self._lock:
            token = self._tokens.get(operation.id)
            if token is not None and not token.is_used:
                del self._tokens[operation.id]

    def _expire(self) -> None:
        now_s = self._clock.monotonic()
        with self._lock:
            over = [token for token in self._tokens.values() if token.ends_s <= now_s]
            for token in over:
                del self._tokens[token.operation_id]
        for token in over:
            if not token.is_used:
                self._operations.cancel(INTERNAL, token.operation_id)
