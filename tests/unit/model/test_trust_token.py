"""What is a token, and what is a password."""

from __future__ import annotations

import base64
import json

import pytest

from holdfast.model.trust_token import TrustToken, parse_trust_token


def text_of(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_token() -> None:
    document = {"client_name": "a", "fingerprint": "b", "addresses": ["c:1"], "secret": "d", "expires_at": ""}
    assert parse_trust_token(text_of(document)) == TrustToken("a", "d")


@pytest.mark.parametrize(
    "text",
    [
        "secret",
        "",
        text_of([]),
        text_of({"client_name": "a"}),
        text_of({"client_name": "a", "secret": ""}),
        text_of({"client_name": 1, "secret": "x"}),
        base64.b64encode(b"[" * 100_000).decode(),
        text_of({"client_name": "a", "secret": "x" * 20_000}),
    ],
)
def test_passwords(text: str) -> None:
    assert parse_trust_token(text) is None
