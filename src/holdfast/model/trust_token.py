"""One-time tokens by which a new client becomes trusted: base64 of a JSON document, as LXD writes it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

LONGEST_TOKEN: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class TrustToken:
    """What of a token the server needs: the rest tells the client where the server is and how to know it."""

    client_name: str
    secret: str


def parse_trust_token(text: str) -> TrustToken | None:
    """Return the token that a text is, None if it is none and so a password."""
    if len(text) > LONGEST_TOKEN:
        return None
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    name, secret = document.get("client_name"), document.get("secret")
    if not isinstance(name, str) or not isinstance(secret, str) or not secret:
        return None
    return TrustToken(name, secret)
