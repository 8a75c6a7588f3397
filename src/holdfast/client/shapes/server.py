"""The server itself, and what went wrong on it."""

from __future__ import annotations

from typing import TypedDict


class ServerEnvironment(TypedDict):
    server: str
    server_version: str
    server_name: str
    kernel_version: str
    storage: str
    certificate: str
    """The server's own, PEM."""


class ServerInfo(TypedDict):
    """What `GET /1.0` tells; `config` holds the server's own configuration keys."""

    config: dict[str, object]
    api_extensions: list[str]
    api_version: str
    auth: str
    environment: ServerEnvironment


class ServerWarning(TypedDict):
    """What went wrong while nobody asked: `type` says what, `entity_url` with which object, `count` how often."""

    uuid: str
    status: str
    severity: str
    type: str
    project: str
    entity_url: str
    location: str
    count: int
    first_seen_at: str
    last_seen_at: str
    last_message: str
