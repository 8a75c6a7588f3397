"""What is remembered of an instance that was sent to another server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SentCopy:
    """Who asked for it, as in `Requestor`: over "tls" `username` is the fingerprint of a certificate."""

    protocol: str
    username: str
    sent_at: datetime
