"""Copies between two servers: the client starts both sides, and says to one of them where the other one is.

| mode    | who connects to whom      | whose work is waited for |
|---------|---------------------------|--------------------------|
| `pull`  | the target to the source  | the target's             |
| `push`  | the source to the target  | the source's             |
| `relay` | the client to both        | the target's             |
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

from holdfast.client.connection import Connection
from holdfast.client.endpoints import TlsEndpoint
from holdfast.client.errors import ApiError, ClientError, OperationFailedError
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.shapes import Operation
from holdfast.client.websocket import WebSocket, open_websocket

PULL, PUSH, RELAY = "pull", "push", "relay"
MODES: Final = (PULL, PUSH, RELAY)
Wait = Callable[[RunningOperation], Operation]

_UNREACHED: Final = ("connect", "dial", "refused", "unreachable", "bad handshake", "no route", "timed out")
"""Words in the error of a server that could not reach the other one: then its next address is tried."""


class NotListeningError(ClientError):
    """A server can't be connected to by the other one."""

    def __init__(self, side: str, mode: str) -> None:
        super().__init__(
            f"The {side} server isn't listening on the network, so mode {mode} can't be used: set its "
            "core.https_address, or use --mode relay"
        )


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """One copy: the request that lets the source send, and the one that makes the target, without its `source`."""

    source: Connection
    target: Connection
    send_path: str
    send_body: Mapping[str, object]
    receive_path: str
    receive_body: Mapping[str, object]
    origin: Mapping[str, object]
    """What the target is told of the source beside the way to it: `refresh` and the like."""

    def carry_out(self, mode: str | None, wait: Wait) -> None:
        """Copy, in the given mode; None takes the first that the servers can. Raises what the work failed with."""
        mode = mode or self._possible_mode()
        if mode == RELAY:
            self._relay(wait)
            return
        once = self._pull if mode == PULL else self._push
        reach(
            self.source if mode == PULL else self.target,
            "source" if mode == PULL else "target",
            mode,
            lambda address, certificate: once(address, certificate, wait),
        )

    def _possible_mode(self) -> str:
        if is_listening(self.source):
            return PULL
        return PUSH if is_listening(self.target) else RELAY

    def _send(self, **more: object) -> RunningOperation:
        body = {**self.send_body, "migration": True, "target": None, **more}
        return begin(self.source, "POST", self.send_path, body)

    def _receive(self, **more: object) -> RunningOperation:
        body = {**self.receive_body, "source": {**self.origin, "type": "migration", **more}}
        return begin(self.target, "POST", self.receive_path, body)

    def _pull(self, address: str, certificate: str, wait: Wait) -> None:
        sending = self._send()
        try:
            wait(
                self._receive(
                    mode=PULL,
                    operation=f"{address}/1.0/operations/{sending.id}",
                    certificate=certificate,
                    secrets=sending.results(),
                )
            )
        except BaseException:
            give_up(sending)
            raise

    def _push(self, address: str, certificate: str, wait: Wait) -> None:
        receiving = self._receive(mode=PUSH)
        target = {
            "operation": f"{address}/1.0/operations/{receiving.id}",
            "certificate": certificate,
            "secrets": receiving.results(),
        }
        try:
            wait(self._send(target=target))
        except BaseException:
            give_up(receiving)
            raise

    def _relay(self, wait: Wait) -> None:
        sending = self._send()
        try:
            receiving = self._receive(mode=PUSH)
        except BaseException:
            give_up(sending)
            raise
        with _Relay() as relay:
            try:
                for channel in sending.results():
                    relay.join(
                        _open(self.source, sending, channel),
                        _open(self.target, receiving, channel),
                    )
                wait(receiving)
            except BaseException:
                give_up(sending)
                give_up(receiving)
                raise


def is_listening(server: Connection) -> bool:
    """Tell whether other servers can connect to it."""
    return bool(_addresses(server)[0])


def is_unreached(error: OperationFailedError) -> bool:
    """Tell whether a server failed because it could not reach the other one."""
    return any(word in str(error).lower() for word in _UNREACHED)


def reach(listening: Connection, side: str, mode: str, once: Callable[[str, str], None]) -> None:
    """Have the other server connect to this one: by each of its addresses, with its certificate, until one is right."""
    addresses, certificate = _addresses(listening)
    if not addresses:
        raise NotListeningError(side, mode)
    for number, address in enumerate(addresses, start=1):
        try:
            once(f"https://{address}", certificate)
        except OperationFailedError as error:
            if number == len(addresses) or not is_unreached(error):
                raise
        else:
            return


class _Relay:
    """Passes frames on between pairs of websockets until they close."""

    def __init__(self) -> None:
        self._sockets: list[WebSocket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> _Relay:
        return self

    def __exit__(self, *_: object) -> None:
        for socket in self._sockets:
            socket.abort()
        for thread in self._threads:
            thread.join()

    def join(self, one: WebSocket, other: WebSocket) -> None:
        self._sockets += [one, other]
        for ends in ((one, other), (other, one)):
            thread = threading.Thread(target=_pass, args=ends, daemon=True)
            self._threads.append(thread)
            thread.start()


def _pass(source: WebSocket, target: WebSocket) -> None:
    """A cut on one side becomes a cut on the other, a farewell a farewell."""
    try:
        while (message := source.receive()) is not None:
            if not target.send(message):
                source.abort()
                return
    except ClientError:
        target.abort()
    else:
        target.close()


def _open(server: Connection, work: RunningOperation, channel: str) -> WebSocket:
    secret = str(work.results()[channel])
    return open_websocket(server, f"/1.0/operations/{work.id}/websocket", {"secret": secret})


def _addresses(server: Connection) -> tuple[list[str], str]:
    """Return where others reach a server, the way that we came first, and the certificate that it shows them."""
    environment = cast(Mapping[str, object], server.get(dict[str, object], "/1.0")["environment"])
    told = cast(list[str] | None, environment.get("addresses")) or []
    own = [server.endpoint.host] if isinstance(server.endpoint, TlsEndpoint) else []
    return [*own, *(address for address in told if address not in own)], str(environment.get("certificate") or "")


def give_up(work: RunningOperation) -> None:
    """Cancel work that has become useless, if it can be."""
    with suppress(ApiError, ClientError):
        work.cancel()
