"""Getting to know a server: tokens, who answers where."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from holdfast.client.certificates import token_text
from holdfast.client.remotes import RemoteError
from holdfast.client.shapes import Operation
from holdfast.client.tls import fingerprint_of
from holdfast.client.trust import find_by_token, is_damaged_token, look_at, parse_token
from support.tls_server import server_files, tls_server


def text_of(**changes: object) -> str:
    document = {
        "client_name": "me",
        "fingerprint": "ab",
        "addresses": ["10.0.0.5:8443"],
        "secret": "s",
        "expires_at": "0001-01-01T00:00:00Z",
    }
    return base64.b64encode(json.dumps({**document, **changes}).encode()).decode()


def test_token() -> None:
    text = text_of()
    token = parse_token(f" {text}\n")
    assert token is not None
    assert (token.text, token.client_name, token.fingerprint) == (text, "me", "ab")
    assert token.addresses == ("10.0.0.5:8443",)


@pytest.mark.parametrize("text", ["", "10.0.0.5", "password", "AAAA", text_of(addresses=None), text_of(addresses=7)])
def test_no_tokens(text: str) -> None:
    assert parse_token(text) is None


@pytest.mark.parametrize("text", [text_of()[:150], text_of()[:-1], f"{text_of()}A", f"{text_of()}AAAA", "eyJmb28"])
def test_damaged_tokens(text: str) -> None:
    assert is_damaged_token(text)


@pytest.mark.parametrize("text", [text_of(), "10.0.0.5", "backup", "eyJ.example.org", "eyJ:8443", "password", ""])
def test_what_is_no_damaged_token(text: str) -> None:
    assert not is_damaged_token(text)


def test_text_of_an_operation_is_that_of_lxd() -> None:
    """The bytes that LXD 5.0.2's client was seen to print for such an operation."""
    metadata = {
        "addresses": ["127.0.0.1:9444"],
        "fingerprint": "aeb233d05a352fcb6799f88fbb7eb5c67096da58325ed1089c4fd4304161c2f6",
        "request": {"name": "client1"},
        "secret": "50c0aa2c8524d28af8af059a46775e64d25808928717326995e2aea989b2e7a1",
    }
    operation: Operation = {
        "id": "1",
        "description": "",
        "created_at": "",
        "status": "Running",
        "status_code": 103,
        "resources": None,
        "metadata": metadata,
        "may_cancel": True,
        "err": "",
    }
    assert base64.b64decode(token_text(operation)) == (
        b'{"client_name":"client1","fingerprint":"aeb233d05a352fcb6799f88fbb7eb5c67096da58325ed1089c4fd4304161c2f6",'
        b'"addresses":["127.0.0.1:9444"],"secret":"50c0aa2c8524d28af8af059a46775e64d25808928717326995e2aea989b2e7a1",'
        b'"expires_at":"0001-01-01T00:00:00Z"}'
    )


def test_the_address_with_the_right_certificate_is_found(tmp_path: Path) -> None:
    right, wrong = server_files(tmp_path), server_files(tmp_path, "wrong")
    with tls_server(wrong, lambda connection: None) as closed:
        pass
    with tls_server(right, lambda connection: None) as port, tls_server(wrong, lambda connection: None) as other:
        places = [f"127.0.0.1:{closed}", f"127.0.0.1:{other}", f"127.0.0.1:{port}"]
        token = parse_token(text_of(fingerprint=fingerprint_of(right.pem), addresses=places))
        assert token is not None
        found = find_by_token(token)
        assert (found.port, found.certificate) == (port, right.pem)
        lost = parse_token(text_of(fingerprint=fingerprint_of(right.pem), addresses=places[:2]))
        assert lost is not None
        with pytest.raises(RemoteError, match=r"No server answers .*is another server"):
            find_by_token(lost)
        assert look_at(f"127.0.0.1:{port}").fingerprint == fingerprint_of(right.pem)
