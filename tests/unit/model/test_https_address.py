"""Addresses to listen on."""

from __future__ import annotations

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.https_address import is_wildcard, joined, parse_https_address


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (":8443", ("", 8443)),
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("127.0.0.1", ("127.0.0.1", 8443)),
        ("[::]:8443", ("::", 8443)),
        ("[::1]", ("::1", 8443)),
        ("::", ("::", 8443)),
        ("backup.example:1", ("backup.example", 1)),
    ],
)
def test_addresses(text: str, parts: tuple[str, int]) -> None:
    assert parse_https_address(text) == parts


@pytest.mark.parametrize(
    "text", ["host:0", "host:65536", "host:x", "host:-1", "[::1", "[::1]x", "https://host", "a b:1", "host:٣", "u@h:1"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(BadRequestError, match="Invalid address"):
        parse_https_address(text)


def test_every_address() -> None:
    assert [is_wildcard(host) for host in ("", "::", "0.0.0.0", "127.0.0.1", "host")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_joined() -> None:
    assert (joined("::1", 1), joined("a", 2)) == ("[::1]:1", "a:2")
