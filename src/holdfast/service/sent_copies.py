"""Where copies of instances are, as far as the server knows that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.db import certificates, sent_copies
from holdfast.model.sent_copy import SentCopy
from holdfast.service.caller import Caller
from holdfast.service.surroundings import Surroundings

_BY_CERTIFICATE: Final = "tls"


@dataclass(frozen=True, slots=True)
class SentCopyView:
    """`name` is that of the certificate, or of the account, that asked; "" for who may not know."""

    copy: SentCopy
    name: str


class SentCopyService:
    """Reads; thread-safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def list(self, caller: Caller, name: str) -> Sequence[SentCopyView]:
        """Return who had an instance sent, newest first. Which clients there are is for administrators to know."""
        instance = self._around.instance(caller.project, name)
        with self._around.database.read() as connection:
            names = {each.fingerprint: each.name for each in certificates.list_all(connection)}
            found = sent_copies.list_for(connection, instance.project, instance.name)
        if not caller.access.is_admin:
            return [SentCopyView(SentCopy(protocol="", username="", sent_at=each.sent_at), "") for each in found]
        return [
            SentCopyView(each, names.get(each.username, "") if each.protocol == _BY_CERTIFICATE else each.username)
            for each in found
        ]
