"""Connections to servers elsewhere: which certificate is the right one, what is said when it is another."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from holdfast.client.connection import Connection
from holdfast.client.endpoints import TlsEndpoint
from holdfast.client.errors import (
    BadAddressError,
    IdentityError,
    UnknownCertificateError,
    UnreachableServerError,
    UntrustedAuthorityError,
)
from holdfast.client.pinned import open_operation_socket, pinned_connection
from holdfast.client.tls import Identity, fingerprint_of, is_vouched_for, shown_certificate
from support.tls_server import client_files, server_files, tls_server
from support.unixserver import sync


def answer_once(connection: ssl.SSLSocket) -> None:
    """Read a request without a body, and answer with its first line."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = connection.recv(65536)
        if not data:
            return
        request += data
    connection.sendall(sync(request.decode().split("\r\n")))


def test_pinned_certificate_is_the_right_one(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    with tls_server(files, answer_once) as port:
        connection = pinned_connection(f"https://127.0.0.1:{port}/1.0", files.pem)
        lines = connection.get(list[str], "/1.0")
    assert lines[0] == "GET /1.0 HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in lines


def test_threat_another_certificate_gets_no_request(tmp_path: Path) -> None:
    files, other = server_files(tmp_path), server_files(tmp_path, "other")
    asked: list[bytes] = []
    with tls_server(files, lambda connection: asked.append(connection.recv(100))) as port:
        with pytest.raises(UnknownCertificateError) as caught:
            pinned_connection(f"https://127.0.0.1:{port}", other.pem).get(list[str], "/1.0")
        operation = f"https://127.0.0.1:{port}/1.0/operations/1"
        with pytest.raises(UnknownCertificateError):
            open_operation_socket(operation, other.pem, "secret")
    assert b"".join(asked) == b"", "nothing may be sent to a stranger"
    assert fingerprint_of(files.pem) in str(caught.value)
    assert fingerprint_of(other.pem) in str(caught.value)


def test_without_a_pin_an_authority_must_vouch(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    with tls_server(files, answer_once) as port:
        with pytest.raises(UntrustedAuthorityError, match="remote add"):
            Connection(TlsEndpoint("127.0.0.1", port)).get(list[str], "/1.0")
        assert not is_vouched_for("127.0.0.1", port)
        assert shown_certificate("127.0.0.1", port) == files.pem


def test_pin_that_is_no_certificate_fits_nobody(tmp_path: Path) -> None:
    with tls_server(server_files(tmp_path), answer_once) as port, pytest.raises(UnknownCertificateError):
        pinned_connection(f"https://127.0.0.1:{port}", "what").get(list[str], "/1.0")


def test_identity_that_is_not_there_says_which(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    identity = Identity(tmp_path / "no.crt", tmp_path / "no.key")
    with pytest.raises(IdentityError, match=r"no\.crt"):
        Connection(TlsEndpoint("127.0.0.1", 1, files.pem, identity)).get(list[str], "/1.0")


def test_absent_server_is_named() -> None:
    with socket.socket() as silent:  # it has the port, so that nobody else gets it, and doesn't listen
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with pytest.raises(UnreachableServerError, match=rf"https://127\.0\.0\.1:{port} .*core\.https_address"):
            pinned_connection(f"127.0.0.1:{port}", "-").get(list[str], "/1.0")


def test_a_server_that_does_not_ask_is_shown_nothing(tmp_path: Path) -> None:
    files, client = server_files(tmp_path), client_files(tmp_path)
    seen: list[tuple[str | None, bytes | None]] = []

    def note(connection: ssl.SSLSocket) -> None:
        seen.append((connection.version(), connection.getpeercert(binary_form=True)))
        answer_once(connection)

    with tls_server(files, note) as port:
        identity = Identity(client.certificate, client.key)
        Connection(TlsEndpoint("127.0.0.1", port, files.pem, identity)).get(list[str], "/1.0")
    assert seen == [("TLSv1.3", None)]


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/1.0/instances/x", "unix:///x/1.0/operations/1", "https:///x"])
def test_what_is_no_operation_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(BadAddressError):
        open_operation_socket(url, "pem", "secret")


def test_server_must_be_pinned() -> None:
    with pytest.raises(BadAddressError, match="no certificate"):
        pinned_connection("https://127.0.0.1", " ")
