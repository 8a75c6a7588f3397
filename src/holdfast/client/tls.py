"""TLS as servers of this kind use it: each side has a certificate of its own making, known by its fingerprint.

A pinned certificate is compared as a whole, byte by byte, after the handshake has proven that the other side has its
key. Names, dates and authorities in it mean nothing then.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from holdfast.client.endpoints import CONNECT_S, TlsEndpoint
from holdfast.client.errors import (
    IdentityError,
    UnknownCertificateError,
    UnreachableServerError,
    UntrustedAuthorityError,
)
from holdfast.client.tls_stream import TlsStream

SILENCE_S: Final = 40
"""After so long without any sign of the other machine, not even from its kernel, a connection counts as cut."""
_ASKED_AFTER_S: Final = 15
_ASKED_AGAIN_S: Final = 5


@dataclass(frozen=True)
class Identity:
    """The certificate that a client shows, and its key, as files of PEM."""

    certificate_path: Path
    key_path: Path


def fingerprint_of(certificate: str | bytes) -> str:
    """Return the SHA-256 of a certificate, given as PEM or as DER."""
    data = ssl.PEM_cert_to_DER_cert(certificate) if isinstance(certificate, str) else certificate
    return hashlib.sha256(data).hexdigest()


def context_for(endpoint: TlsEndpoint, *, is_checked: bool = True) -> ssl.SSLContext:
    """Return what a connection to the endpoint is made with."""
    if endpoint.certificate or not is_checked:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.identity is not None:
        try:
            context.load_cert_chain(endpoint.identity.certificate_path, endpoint.identity.key_path)
        except (OSError, ssl.SSLError) as error:
            raise IdentityError(endpoint.identity.certificate_path, endpoint.identity.key_path, str(error)) from error
    return context


def connect(endpoint: TlsEndpoint, timeout_s: float | None) -> socket.socket:
    """Return a connection whose server has shown the right certificate."""
    context = context_for(endpoint)
    raw = _open(endpoint, timeout_s)
    try:
        wrapped = context.wrap_socket(raw, server_hostname=endpoint.address)
    except (ssl.SSLError, OSError) as error:
        raise _failure(endpoint, error) from error
    try:
        check_pin(endpoint, wrapped.getpeercert(binary_form=True))
    except BaseException:
        wrapped.close()
        raise
    wrapped.settimeout(timeout_s)
    return wrapped


def connect_duplex(endpoint: TlsEndpoint, timeout_s: float | None) -> socket.socket:
    """Return the same for a thread that reads and another that writes."""
    context = context_for(endpoint)
    raw = _open(endpoint, timeout_s)
    try:
        stream = TlsStream(raw, context, endpoint.address)
        try:
            stream.handshake()
        except (ssl.SSLError, OSError) as error:
            raise _failure(endpoint, error) from error
        check_pin(endpoint, stream.peer_certificate())
    except BaseException:
        raw.close()
        raise
    raw.settimeout(None)
    return cast(socket.socket, stream)


def shown_certificate(address: str, port: int, timeout_s: float = CONNECT_S) -> str:
    """Return the PEM of whoever answers there: for people, who decide whether it is the right one."""
    endpoint = TlsEndpoint(address, port)
    raw = _open(endpoint, timeout_s)
    try:
        with context_for(endpoint, is_checked=False).wrap_socket(raw, server_hostname=address) as wrapped:
            data = wrapped.getpeercert(binary_form=True)
    except (ssl.SSLError, OSError) as error:
        raise _failure(endpoint, error) from error
    assert data is not None  # a server without one ends the handshake
    return ssl.DER_cert_to_PEM_cert(data)


def is_vouched_for(address: str, port: int, timeout_s: float = CONNECT_S) -> bool:
    """Tell whether an authority that this machine trusts vouches for who answers there."""
    try:
        connect(TlsEndpoint(address, port), timeout_s).close()
    except UntrustedAuthorityError:
        return False
    return True


def check_pin(endpoint: TlsEndpoint, shown: bytes | None) -> None:
    """Raise unless the certificate is the pinned one, where one is pinned."""
    if not endpoint.certificate:
        return
    try:
        wanted = ssl.PEM_cert_to_DER_cert(endpoint.certificate.strip() + "\n")
    except ValueError as error:
        raise UnknownCertificateError(endpoint.host, "", "nothing that is a certificate") from error
    if shown != wanted:
        raise UnknownCertificateError(
            endpoint.host, "" if shown is None else fingerprint_of(shown), fingerprint_of(wanted)
        )


def _open(endpoint: TlsEndpoint, timeout_s: float | None) -> socket.socket:
    try:
        raw = socket.create_connection(
            (endpoint.address, endpoint.port), CONNECT_S if timeout_s is None else min(timeout_s, CONNECT_S)
        )
    except OSError as error:
        raise UnreachableServerError(endpoint.url, error.strerror or str(error)) from error
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    notice_death(raw)
    return raw


def notice_death(opened: socket.socket) -> None:
    """Have the kernel end a connection whose other side is silent, also while we send: it asks after `_ASKED_AFTER_S`.

    A listening socket hands that on to the connections that it accepts. See tcp(7).
    """
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, True)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _ASKED_AFTER_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASKED_AGAIN_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, (SILENCE_S - _ASKED_AFTER_S) // _ASKED_AGAIN_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_S * 1000)


def _failure(endpoint: TlsEndpoint, error: OSError) -> UnreachableServerError | UntrustedAuthorityError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return UntrustedAuthorityError(endpoint.url, error.verify_message)
    reason = getattr(error, "reason", "") or error.strerror or str(error)
    return UnreachableServerError(endpoint.url, f"no TLS connection: {reason}")
