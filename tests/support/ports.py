"""Ports of 127.0.0.1 that stay a test's own, also while its server is stopped and started again.

They lie below those that the kernel gives to whoever asks for any: else a client elsewhere on the machine could get one
for its side of a connection just when the server is to listen there. No other process that runs tests gets one either.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

_FIRST = 12_000
_LAST = 32_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_claims: list[socket.socket] = []
"""A name in the kernel for each port that this process has had: it is free again when the process ends."""


def free_port() -> int:
    """Return a port at which nobody listens; each only once in the life of the process."""
    given_to_anybody = int(_RANGE.read_text().split()[0])
    for port in range(_FIRST, given_to_anybody if given_to_anybody > _FIRST + 1000 else _LAST):
        if _claim(port):
            with suppress(OSError), socket.create_server(("127.0.0.1", port)):
                return port
    raise AssertionError("no port of 127.0.0.1 is free")


def _claim(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0holdfast-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
