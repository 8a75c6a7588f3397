"""Who is at the other end of a connection.

Whoever may open the unix socket is trusted; its account name is for events and the log. At the other end of TLS is
whoever has the key of the certificate that it has shown, if it has shown any.
"""

from __future__ import annotations

import hashlib
import pwd
import socket
import ssl
import struct
from functools import lru_cache
from typing import cast

from aiohttp import web

from holdfast.model.https_address import joined
from holdfast.model.operation import Requestor
from holdfast.service.certificates import Peer

_CREDENTIALS = struct.Struct("3i")
_UNKNOWN = Requestor(username="", protocol="unix", address="@")


def is_local(http: web.Request) -> bool:
    """Tell whether the request came by the unix socket."""
    found = _socket(http)
    return found is not None and found.family == socket.AF_UNIX


def peer_of(http: web.Request) -> Peer:
    """Return who is at the other end; over the unix socket nobody shows a certificate."""
    transport = http.transport
    tls = None if transport is None else cast(ssl.SSLObject | None, transport.get_extra_info("ssl_object"))
    certificate = None if tls is None else tls.getpeercert(binary_form=True)
    return Peer(certificate=certificate, address=_remote(http)[0])


def requestor_of(http: web.Request, browser: str = "") -> Requestor:
    """Return who asks, as LXD shows it: an account of this machine, or the fingerprint of a certificate.

    `browser` is the id of the browser that is signed in.
    """
    found = _socket(http)
    if found is None:
        return _UNKNOWN
    if found.family != socket.AF_UNIX:
        certificate = peer_of(http).certificate
        name = "" if certificate is None else fingerprint_of(certificate)
        host, port = _remote(http)
        protocol, name = ("browser", browser) if browser else ("tls", name)
        return Requestor(username=name, protocol=protocol, address=joined(host, port))
    _, uid, _ = _CREDENTIALS.unpack(found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Requestor(username=_account(uid), protocol="unix", address="@")


def process_of(http: web.Request) -> int | None:
    """Return the process at the other end of the unix socket; None over TLS, and for one that can't be seen here."""
    found = _socket(http)
    if found is None or found.family != socket.AF_UNIX:
        return None
    pid: int = _CREDENTIALS.unpack(found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[0]
    return pid or None


def fingerprint_of(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate."""
    return hashlib.sha256(certificate).hexdigest()


def _socket(http: web.Request) -> socket.socket | None:
    transport = http.transport
    return None if transport is None else cast(socket.socket | None, transport.get_extra_info("socket"))


def _remote(http: web.Request) -> tuple[str, int]:
    transport = http.transport
    found = None if transport is None else transport.get_extra_info("peername")
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else ("", 0)


@lru_cache(maxsize=256)
def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
