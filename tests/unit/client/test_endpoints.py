"""How addresses of servers are read."""

from __future__ import annotations

import pytest

from holdfast.client.endpoints import TlsEndpoint, UnixEndpoint, endpoint_of, split_address
from holdfast.client.errors import BadAddressError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://host", ("host", 8443)),
        ("https://host:1/1.0/operations/2", ("host", 1)),
        ("wss://host:1", ("host", 1)),
        ("host", ("host", 8443)),
        ("10.0.0.1:99", ("10.0.0.1", 99)),
        ("[::1]:99", ("::1", 99)),
        ("https://[::1]", ("::1", 8443)),
        ("fe80::1", ("fe80::1", 8443)),
    ],
)
def test_addresses(text: str, parts: tuple[str, int]) -> None:
    assert split_address(text) == parts


@pytest.mark.parametrize(
    "text", ["", "http://host", "ftp://x", "https://", "host:port", "host:99999", "u@host", "a b", "a" * 64, "a..b"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(BadAddressError):
        split_address(text)


@pytest.mark.parametrize(
    ("text", "path"), [("unix:/a/b", "/a/b"), ("unix:///a/b", "/a/b"), ("unix://", "/x/unix.socket")]
)
def test_sockets(text: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_SOCKET", raising=False)
    monkeypatch.setenv("HOLDFAST_DIR", "/x")
    assert endpoint_of(text) == UnixEndpoint(path)


def test_how_they_are_shown() -> None:
    assert TlsEndpoint("::1", 5).url == "https://[::1]:5"
    assert TlsEndpoint("host").url == "https://host:8443"
    assert UnixEndpoint("/x").url == "unix:///x"
