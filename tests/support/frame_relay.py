"""A client that relays a transfer between two servers frame by frame, and can do something harmful at one of them."""

from __future__ import annotations

import json
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from holdfast.client.connection import Connection
from holdfast.client.endpoints import UnixEndpoint
from holdfast.client.errors import ClientError
from holdfast.client.websocket import WebSocket, open_websocket
from support.holdfast import HoldfastServer
from support.rich import Server

CHANNELS = ("control", "fs")


@dataclass
class Relay:
    """One transfer. `at` is the frame before which `harm` is done, counted over all channels and directions.

    How many frames there are depends on how busy the host is: `at_bytes` counts what is in them instead.
    """

    source: Server
    target: Server
    at: int | None = None
    harm: Callable[[], None] | None = None
    """None cuts all connections."""
    at_bytes: int | None = None
    frames: int = 0
    moved_bytes: int = 0
    source_error: str = ""
    """How the source's operation ended, after a success of the target."""
    _sockets: list[WebSocket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def copy(self, name: str, taken: str, **source: Any) -> str:
        """Copy an instance; return how the target's operation ended: "" for a success, "gone" without an answer."""
        return self._carry("/1.0/instances", name, {"name": taken, "architecture": platform.machine()}, source)

    def copy_volume(self, pool: str, name: str, taken: str, *, content_type: str = "filesystem", **source: Any) -> str:
        """Copy a custom volume into the pool of the same name; return what `copy` does."""
        body = {"name": taken, "type": "custom", "content_type": content_type}
        return self._carry(f"/1.0/storage-pools/{pool}/volumes/custom", name, body, source)

    def _carry(self, path: str, name: str, body: dict[str, Any], source: dict[str, Any]) -> str:
        one, other = (Connection(UnixEndpoint(str(server.socket))) for server in (self.source, self.target))
        sending: Any = one.request("POST", f"{path}/{name}", body={"migration": True, "name": name}).metadata
        body["source"] = {"type": "migration", "mode": "push", **source}
        receiving: Any = other.request("POST", path, body=body).metadata
        threads = []
        for name in CHANNELS:
            ends = [
                open_websocket(server, f"/1.0/operations/{work['id']}/websocket", {"secret": work["metadata"][name]})
                for server, work in ((one, sending), (other, receiving))
            ]
            self._sockets += ends
            threads += [
                threading.Thread(target=self._pass, args=pair, daemon=True) for pair in (ends, list(reversed(ends)))
            ]
        for thread in threads:
            thread.start()
        try:
            ended: Any = other.request("GET", f"/1.0/operations/{receiving['id']}/wait", timeout_s=200).metadata
            if not ended["err"]:
                self.source_error = self._end_of(one, sending["id"])
        except ClientError:
            return "gone"
        finally:
            for socket in self._sockets:
                socket.abort()
            for thread in threads:
                thread.join()
        return str(ended["err"])

    @staticmethod
    def _end_of(server: Connection, operation: str) -> str:
        try:
            ended: Any = server.request("GET", f"/1.0/operations/{operation}/wait?timeout=60", timeout_s=100).metadata
        except ClientError:
            return "gone"
        return str(ended["err"])

    def _pass(self, source: WebSocket, target: WebSocket) -> None:
        while True:
            try:
                message = source.receive()
            except ClientError:
                target.abort()
                return
            if message is None:
                target.close()
                return
            self.moved_bytes += len(message)
            if self._is_harmed() or not target.send(message):
                source.abort()
                return

    def _is_harmed(self) -> bool:
        with self._lock:
            self.frames += 1
            if self.at is None and self.at_bytes is not None and self.moved_bytes >= self.at_bytes:
                self.at = self.frames
            if self.at is None or self.frames < self.at:
                return False
            is_first = self.frames == self.at
        if is_first and self.harm is not None:
            self.harm()
        elif is_first:
            for socket in self._sockets:
                socket.abort()
        return self.harm is None


def config_of(server: HoldfastServer, name: str) -> Any:
    """Return an instance as the API shows it."""
    return json.loads(server.lxc.run("query", f"/1.0/instances/{name}?recursion=1"))
