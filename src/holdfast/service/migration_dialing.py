"""The channels of a migration where we connect: pinned to the certificate that the client gave us of the other one."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from holdfast.client.errors import ClientError
from holdfast.client.pinned import open_operation_socket
from holdfast.client.transfer import Pace
from holdfast.client.websocket import WebSocket
from holdfast.host.tcp import shortest_round_trip_s
from holdfast.migration.channels import FRAME_CAP_BYTES, STALLED_S
from holdfast.model.errors import CancelledOperationError, MigrationError

_CHANNELS = ("control", "fs")


class DialedSockets:
    """Implements the connector of a migration."""

    def __init__(self, operation: str, certificate: str, secrets: Mapping[str, str], pace: Pace | None = None) -> None:
        for name in _CHANNELS:
            if not secrets.get(name):
                raise MigrationError(f"Missing {name} secret")
        self._operation, self._certificate, self._keys = operation, certificate, dict(secrets)
        self._pace = pace or Pace()
        self._sockets: list[DialedSocket] = []
        self._lock = threading.Lock()
        self._is_aborted = False

    @property
    def received_bytes(self) -> int:
        """How much has come over all channels."""
        return sum(each.received_bytes for each in self._opened())

    @property
    def secrets(self) -> Mapping[str, str]:
        return {}

    def connect(self, name: str) -> DialedSocket:
        """Connect to the other server; `MigrationError` says why that failed."""
        try:
            raw = open_operation_socket(
                self._operation, self._certificate, self._keys[name], largest_message_bytes=FRAME_CAP_BYTES
            )
        except ClientError as error:
            raise MigrationError(f"Failed connecting to the other server: {error}") from error
        found = DialedSocket(raw, self._pace)
        with self._lock:
            self._sockets.append(found)
        if self._is_aborted:
            found.abort()
            raise CancelledOperationError("The operation was cancelled")
        return found

    def abort(self) -> None:
        self._is_aborted = True
        for each in self._opened():
            each.abort()

    def close(self) -> None:
        for each in self._opened():
            each.close()

    def _opened(self) -> list[DialedSocket]:
        with self._lock:
            return list(self._sockets)


class DialedSocket:
    """One websocket to another server."""

    def __init__(self, raw: WebSocket, pace: Pace) -> None:
        self._raw, self._pace = raw, pace
        self.received_bytes = 0

    def send(self, message: bytes | str) -> None:
        if not self._raw.send(message):
            raise MigrationError("The connection to the other server was cut")

    def receive(self) -> bytes | str | None:
        try:
            message = self._raw.receive(STALLED_S)
        except ClientError as error:
            raise MigrationError(f"The connection to the other server was cut: {error}") from error
        self.received_bytes += len(message or "")
        self._pace.moved(len(message or ""))
        return message

    def round_trip_s(self) -> float | None:
        return shortest_round_trip_s(self._raw)

    def close(self) -> None:
        self._raw.close()

    def abort(self) -> None:
        self._raw.abort()
