"""What the kernel knows of a TCP connection.

Used of `struct tcp_info` (linux/tcp.h): the shortest round trip so far in microseconds, a word at 148.
"""

from __future__ import annotations

import socket
import struct
from typing import Final, Protocol

_SHORTEST_AT: Final = 148
_UNKNOWN: Final = 2**32 - 1
_SIZE: Final = _SHORTEST_AT + 4


class Connection(Protocol):
    """A socket, or what stands for one."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...


def shortest_round_trip_s(connection: Connection) -> float | None:
    """Return the shortest time from sending to the acknowledgement; None where there is none, or no TCP."""
    try:
        found = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
    except OSError:
        return None
    if len(found) < _SIZE:
        return None
    (microseconds,) = struct.unpack_from("=I", found, _SHORTEST_AT)
    return None if microseconds in (0, _UNKNOWN) else microseconds / 1e6
