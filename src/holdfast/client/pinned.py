"""From one server to another, as copies between servers need it: exactly one certificate is the right one.

Nothing but the secret of an operation says who is asking, so no certificate of ours is shown.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from holdfast.client.connection import Connection
from holdfast.client.endpoints import TlsEndpoint, split_address
from holdfast.client.errors import BadAddressError
from holdfast.client.websocket import WebSocket, open_websocket

UPGRADE_S: Final = 5.0
"""How long the other side may take to answer the request for a websocket; LXD waits as long."""


def pinned_connection(url: str, certificate: str, project: str = "default") -> Connection:
    """Return a connection to `https://HOST[:PORT]/…` whose server must show this PEM."""
    address, port = split_address(url)
    if not certificate.strip():
        raise BadAddressError(url, "no certificate was given that its server must show")
    return Connection(TlsEndpoint(address, port, certificate), project)


def open_operation_socket(
    operation_url: str,
    certificate: str,
    secret: str,
    *,
    timeout_s: float = UPGRADE_S,
    largest_message_bytes: int | None = None,
) -> WebSocket:
    """Connect to a stream of an operation, `https://HOST[:PORT]/1.0/operations/<id>`, on another server.

    Raises `ClientError`: `UnknownCertificateError` for another certificate than this one, `ApiError` 403 for a wrong
    secret, 404 for an operation that isn't known.
    """
    path = urlsplit(operation_url).path.rstrip("/")
    if not path.startswith("/1.0/operations/"):
        raise BadAddressError(operation_url, "it is not the address of an operation")
    connection = pinned_connection(operation_url, certificate)
    return open_websocket(
        connection,
        f"{path}/websocket",
        {"secret": secret},
        timeout_s=timeout_s,
        largest_message_bytes=largest_message_bytes,
    )
