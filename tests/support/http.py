"""Speak plain HTTP over a unix socket, to see status codes and bodies as they are on the wire."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_s: float = 120) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, headers (lower case) and the decoded envelope (None where it isn't JSON)."""

    status: int
    headers: dict[str, str]
    body: Any
    raw: bytes


def ask(
    unix_socket: Path,
    method: str,
    path: str,
    body: object = None,
    *,
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send one request on a connection of its own and read the whole answer."""
    connection = UnixConnection(unix_socket)
    try:
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        connection.request(method, path, body=data, headers={"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        content = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()
    decoded = json.loads(content) if found.get("content-type", "").startswith("application/json") else None
    return Answer(response.status, found, decoded, content)


def outcome(unix_socket: Path, answer: Answer) -> str:
    """Return the error of a request: the envelope's, or that of its operation once it has ended ("" on success)."""
    if answer.status != 202:
        return str((answer.body or {}).get("error", ""))
    ended = ask(unix_socket, "GET", f"{answer.body['operation']}/wait?timeout=100")
    return str(ended.body["metadata"]["err"])
