"""One row of the table of routes; dispatching and the OpenAPI document are made from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from holdfast.server.request import ApiRequest


class Handler(Protocol):
    """Answers a request; its name stands in the OpenAPI document."""

    __name__: str

    async def __call__(self, request: ApiRequest) -> web.StreamResponse: ...


class Permission(StrEnum):
    """Who may call a route; `server/access.py` says no to the others."""

    ANYONE = "anyone"
    """Needs no trust; the handler shows strangers only what is for them."""
    SECRET = "secret"
    """Whoever knows the secret in the query; the handler checks it, and what of those without one is trusted."""
    TRUSTED = "trusted"
    """Every trusted client; the handler shows restricted ones only what is of their projects."""
    PROJECT = "project"
    """Whoever may work in the project that the request is about."""
    PROJECT_OR_SECRET = "project or secret"
    """Like PROJECT, and who shows a secret in the header `X-LXD-secret`, which the handler checks."""
    METRICS = "metrics"
    """Like PROJECT, and clients whose certificates are for metrics alone."""
    ADMIN = "admin"
    """Who is trusted without restrictions."""


class Answer(StrEnum):
    """What kind of answer a route gives."""

    SYNC = "sync"
    CREATED = "created"
    ASYNC = "async"
    FILE = "file"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """`takes` and `gives` are wire types: the JSON body, and what is in the answer's `metadata`."""

    method: str
    path: str
    handler: Handler
    summary: str
    permission: Permission
    answer: Answer = Answer.SYNC
    takes: object = None
    gives: object = None
    query: tuple[str, ...] = ()
