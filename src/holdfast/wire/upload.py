"""Uploads in pieces; unknown to LXD."""

from __future__ import annotations

import msgspec


class Upload(msgspec.Struct, kw_only=True):
    """`size` is -1 where it isn't known before the end; `offset` is how much is here."""

    id: str
    size: int
    offset: int
    created_at: str
    expires_at: str


class UploadsPost(msgspec.Struct, kw_only=True):
    size: int = -1
