"""What a handler gets: the HTTP request with its project, its caller, its body as a struct, and the services."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from holdfast.model.access import Access
from holdfast.model.errors import BadRequestError, NotAuthorizedError
from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.server.blocking import BlockingPool
from holdfast.server.event_hub import EventHub
from holdfast.server.operation_sockets import OperationSockets
from holdfast.server.peer import requestor_of
from holdfast.server.sessions import Sessions
from holdfast.server.trust_watch import TrustWatch
from holdfast.service.caller import Caller
from holdfast.service.container import Services
from holdfast.wire.decoding import BadBodyError, decode

P = ParamSpec("P")
R = TypeVar("R")
Shape = TypeVar("Shape")

LARGEST_JSON_BYTES: Final = 8 * 1024 * 1024
"""A request's JSON is held in memory as a whole; configuration with cloud-init data has some hundred KiB."""
LARGEST_OF_STRANGERS_BYTES: Final = 64 * 1024
"""A certificate with a password or a token."""
_TRUE: Final = frozenset({"true", "1", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What all requests of a server share."""

    services: Services
    pool: BlockingPool
    events: EventHub
    sockets: OperationSockets
    sessions: Sessions
    trust_watch: TrustWatch
    web_files: Path


@dataclass(slots=True)
class ApiRequest:
    """One request; lives as long as its handler."""

    http: web.Request
    parts: Parts
    access: Access
    _caller: Caller | None = field(default=None, init=False)

    @property
    def services(self) -> Services:
        return self.parts.services

    @property
    def project(self) -> str:
        return self.query("project") or DEFAULT_PROJECT

    @property
    def caller(self) -> Caller:
        if self._caller is None:
            self._caller = Caller(self.project, requestor_of(self.http, self.access.browser), self.access)
        return self._caller

    @property
    def recursion(self) -> int:
        text = self.query("recursion")
        # Longer numbers mean nothing, and Python refuses to read very long ones.
        return int(text) if text.isascii() and text.isdigit() and len(text) == 1 else 0

    @property
    def projects(self) -> str | None:
        """Return the project that a list is about, None for all."""
        if not self.flag("all-projects"):
            return self.project
        if self.query("project"):
            raise BadRequestError("Cannot specify a project when requesting all projects")
        return None

    def enter(self, project: str) -> str:
        """Return the project's name if the one who asks may work there; raise `NotAuthorizedError` if not."""
        if not self.access.may_enter(project):
            raise NotAuthorizedError
        return project

    def visible(self, urls: Iterable[str]) -> list[str]:
        """Return those of the URLs whose project the one who asks may enter."""
        return [url for url in urls if self.access.is_admin or self.access.may_enter(_project_of(url))]

    def path(self, name: str) -> str:
        """Return an unescaped part of the path."""
        return self.http.match_info[name]

    def query(self, name: str, default: str = "") -> str:
        return self.http.query.get(name, default)

    def file_path(self) -> str:
        """Return the path of a file in the query; its bytes may be no UTF-8, as in names that `os` gives."""
        pairs = parse_qsl(self.http.rel_url.raw_query_string, keep_blank_values=True, errors="surrogateescape")
        return next((value for name, value in pairs if name == "path"), "")

    def flag(self, name: str) -> bool:
        return self.query(name).lower() in _TRUE

    def header(self, name: str) -> str:
        """Return the value, "" if it isn't there; one that is no text would fail only where it is kept."""
        value = self.http.headers.get(name, "")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadRequestError(f"The header {name} is not UTF-8") from None
        return value

    @property
    def is_binary(self) -> bool:
        """Tell whether the body is a file and no JSON."""
        return self.header("Content-Type").split(";")[0].strip() == "application/octet-stream"

    async def body(self, shape: type[Shape]) -> Shape:
        """Return the JSON body as a struct; `BadRequestError` for anything else."""
        try:
            return decode(await self._read(), shape)
        except BadBodyError as error:
            raise BadRequestError(str(error)) from error

    async def text(self) -> str:
        """Return a short body that is text: the target of a symlink."""
        return (await self._read()).decode(errors="surrogateescape")

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a service in a thread."""
        return await self.parts.pool.run(function, *args, **kwargs)

    async def _read(self) -> bytes:
        chunks, size_bytes = [], 0
        largest_bytes = LARGEST_JSON_BYTES if self.access.is_trusted else LARGEST_OF_STRANGERS_BYTES
        async for chunk in self.http.content.iter_any():
            size_bytes += len(chunk)
            if size_bytes > largest_bytes:
                raise BadRequestError(f"The request's body is larger than {largest_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


def _project_of(url: str) -> str:
    """Return the project that a URL of an object names."""
    return dict(parse_qsl(urlsplit(url).query)).get("project", DEFAULT_PROJECT)
