"""Tells systemd how the server stands, by the socket that it names in the environment."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send "READY=1", "STOPPING=1" or the like; without a service manager nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
