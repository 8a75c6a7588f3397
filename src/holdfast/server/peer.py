"""Who is at the other end of the unix socket. Whoever may open it is trusted; the name is for events and the log."""

from __future__ import annotations

import pwd
import socket
import struct
from functools import lru_cache

from aiohttp import web

from holdfast.model.operation import Requestor

_CREDENTIALS = struct.Struct("3i")


def requestor_of(http: web.Request) -> Requestor:
    """Return the peer's account name, as LXD shows it."""
    transport = http.transport
    peer = transport.get_extra_info("socket") if transport is not None else None
    if peer is None or peer.family != socket.AF_UNIX:
        return Requestor(username="", protocol="unix", address="@")
    _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Requestor(username=_account(uid), protocol="unix", address="@")


@lru_cache(maxsize=256)
def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
