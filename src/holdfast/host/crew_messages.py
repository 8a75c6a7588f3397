"""What a crew and its members say to each other, over a socket: four bytes of length, then `marshal`.

    ("copy", path)     -> ("done", [directory, …], [(device, inode, path), …])     as `TreeCopy.copy`
    ("dress",)         -> ("done", [], [])                                         as `TreeCopy.dress`
    in between         <- ("count", bytes)
    for a failure      <- ("failed", errno, text, path or None)

The same interpreter is at both ends, which `marshal` needs.
"""

from __future__ import annotations

import contextlib
import marshal
import socket
from typing import Final

from holdfast.host.tree_copy import Linked

_LENGTH_BYTES: Final = 4


def send(peer: socket.socket, message: tuple[str | int | bytes | list[bytes] | list[Linked] | None, ...]) -> None:
    """Send one message whole."""
    data = marshal.dumps(message)
    peer.sendall(len(data).to_bytes(_LENGTH_BYTES, "little") + data)


def receive(peer: socket.socket) -> tuple[object, ...] | None:
    """Return the next message; None when the other side is gone."""
    with contextlib.suppress(OSError):
        head = peer.recv(_LENGTH_BYTES, socket.MSG_WAITALL)
        if len(head) == _LENGTH_BYTES:
            size = int.from_bytes(head, "little")
            data = peer.recv(size, socket.MSG_WAITALL)
            if len(data) == size:
                message: tuple[object, ...] = marshal.loads(data)
                return message
    return None
