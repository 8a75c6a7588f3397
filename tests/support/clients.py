"""A server with HTTPS and clients of every kind of trust, over real services."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.service.caller import INTERNAL
from holdfast.service.certificates import CertificateRequest, Peer
from support.api_server import Running
from support.http import Answer
from support.https import ask_https, ask_on, base64_of, connect_https
from support.ports import free_port
from support.tls_server import Files, client_files

Ask = Callable[..., Answer]


@dataclass(frozen=True)
class Clients:
    """`restricted` may work in the project p1; `stranger` has a certificate that nobody trusts."""

    api: Running
    port: int
    directory: Path
    admin: Files
    restricted: Files
    metrics: Files
    stranger: Files

    def ask(self, who: Files | None, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask as one of them; None is a client without a certificate. In names of headers `_` stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask_https(self.port, who, method, path, body, headers=named)

    @contextmanager
    def kept(self) -> Iterator[Ask]:
        """Give an `ask` that keeps one connection of each: for thousands of requests, which need no handshake each."""
        connections: dict[Files | None, http.client.HTTPSConnection] = {}

        def ask(who: Files | None, method: str, path: str, body: object = None) -> Answer:
            if who not in connections:
                connections[who] = connect_https(self.port, who)
            return ask_on(connections[who], method, path, body)

        try:
            yield ask
        finally:
            for connection in connections.values():
                connection.close()

    def new(self, name: str) -> Files:
        """Return a certificate that nobody has seen yet."""
        return client_files(self.directory, name)


def make_clients(api: Running, directory: Path, *, projects: tuple[str, ...] = ("p1", "p2")) -> Clients:
    """Make the projects, serve HTTPS, and trust the clients."""
    services, port = api.services, free_port()
    for project in projects:
        services.projects.create(INTERNAL, project, "", {})
    services.server_config.patch(INTERNAL, {"core.https_address": f"127.0.0.1:{port}"})
    kinds = {name: client_files(directory, name) for name in ("admin", "restricted", "metrics", "stranger")}
    nobody = Peer(certificate=None, address="")
    for name, kind, is_restricted in (
        ("admin", "client", False),
        ("restricted", "client", True),
        ("metrics", "metrics", False),
    ):
        request = CertificateRequest(
            name=name,
            type=kind,
            restricted=is_restricted,
            projects=("p1",) if is_restricted else (),
            certificate=base64_of(kinds[name]),
        )
        services.certificates.add(INTERNAL, request, nobody)
    return Clients(api, port, directory, **kinds)
