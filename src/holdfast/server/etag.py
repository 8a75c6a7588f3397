"""Entity tags: a client's change applies to what it has read, or is refused."""

from __future__ import annotations

import hashlib

import msgspec

from holdfast.model.errors import PreconditionError

_encoder = msgspec.json.Encoder(order="deterministic")


def etag_of(*values: object) -> str:
    """Return the tag (64 hex digits) of the fields that a client can change."""
    return hashlib.sha256(_encoder.encode(values)).hexdigest()


def check_if_match(wanted: str, current: str) -> None:
    """Raise `PreconditionError` if a tag was sent and isn't the current one."""
    given = wanted.strip().strip('"')
    if given and given not in ("*", current):
        raise PreconditionError(f"ETag doesn't match: {current} vs {given}")
