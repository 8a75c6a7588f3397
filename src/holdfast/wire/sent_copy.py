"""Copies of an instance on other servers. Of Holdfast alone."""

from __future__ import annotations

import msgspec


class SentCopy(msgspec.Struct, kw_only=True):
    """When the whole instance was sent last for one client, which for a backup server is that server itself.

    `server` is the name of the client's certificate, or an account; it and `fingerprint` are "" for who may not know.
    """

    server: str
    fingerprint: str
    pulled_at: str
