"""The address at which HTTPS is served. It can change while requests run: those that came by the old one go on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from typing import Final, TypeVar

from aiohttp import web

from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.model.https_address import parse_https_address
from holdfast.server.tls_context import server_context
from holdfast.service.listening import prepare
from holdfast.service.server_certificate import ServerCertificate

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

BACKLOG: Final = 512
HANDSHAKE_S: Final = 20.0
FAREWELL_S: Final = 1800.0
"""How long the end of an answer may wait for a slow client; asyncio throws it away after 30 s. What buffers hold at
the end is some MiB, which lines of 1 Mbit/s take longer for. A stream waits as long for a client that takes nothing."""
_SWITCH_S: Final = 30.0
_IP_FREEBIND: Final = 15


class HttpsListener:
    """Listens, or not. `start` and `stop` belong to the event loop, `moving` to any other thread."""

    def __init__(self, runner: web.AppRunner, certificate: ServerCertificate) -> None:
        self._runner, self._certificate = runner, certificate
        self._loop: asyncio.AbstractEventLoop | None = None
        self._moving = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._address = ""
        self._site: _TlsSite | None = None

    async def start(self, address: str) -> None:
        """Begin with what is configured. What can't be served is logged: the unix socket must be there to mend it."""
        self._loop = asyncio.get_running_loop()
        if not address:
            return
        try:
            # The network may come up after us: an address that isn't there yet is served once it is.
            await self._serve(address, self._bound(address, is_early=True))
        except HoldfastError as error:
            _log.error("HTTPS is not served: %s", error)

    async def stop(self) -> None:
        """Take no more connections, and no more changes."""
        self._loop = None
        await self._leave()

    @contextlib.contextmanager
    def moving(self, address: str) -> Iterator[None]:
        """Take the new address before the body, leave the old one after it; if the body fails, all is as before."""
        with self._moving:
            if self._loop is None or address == self._address:
                yield
                return
            before = self._address
            taken = self._take(address)
            try:
                yield
            except BaseException:
                if taken is not None:
                    taken.close()
                self._restore(before)
                raise
            self._in_loop(self._switch(address, taken))

    def _take(self, address: str) -> socket.socket | None:
        if not address:
            return None
        self._ensure_context()
        try:
            return self._bound(address)
        except AddressInUseError:
            if self._site is None:
                raise
        # It may be ours: two addresses that overlap, such as all addresses and one of them, with the same port.
        before = self._address
        self._in_loop(self._leave())
        try:
            return self._bound(address)
        except BaseException:
            self._restore(before)
            raise

    def _restore(self, address: str) -> None:
        """Serve the former address again if it was left."""
        if address and self._site is None:
            self._in_loop(self._serve(address, self._bound(address)))

    async def _switch(self, address: str, taken: socket.socket | None) -> None:
        await self._leave()
        if taken is not None:
            await self._serve(address, taken)

    async def _serve(self, address: str, taken: socket.socket) -> None:
        site = _TlsSite(self._runner, taken, self._ensure_context())
        await site.start()
        self._site, self._address = site, address
        _log.info("Listening on https://%s", address)

    async def _leave(self) -> None:
        site, self._site, self._address = self._site, None, ""
        if site is not None:
            await site.stop()

    def _ensure_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = server_context(self._certificate.path, self._certificate.key_path)
        return self._context

    def _in_loop(self, work: Coroutine[None, None, Result]) -> Result:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SWITCH_S)

    def _bound(self, address: str, *, is_early: bool = False) -> socket.socket:
        host, port = parse_https_address(address)
        try:
            bound = _bind(host, port, is_early=is_early)
            prepare(bound)
            return bound
        except OSError as error:
            kind = AddressInUseError if error.errno == errno.EADDRINUSE else BadRequestError
            raise kind(f"Can't listen on {address}: {error.strerror or error}") from error


class _TlsSite(web.BaseSite):
    """As aiohttp's own, with the times that asyncio gives to TLS."""

    def __init__(self, runner: web.AppRunner, taken: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(runner, ssl_context=context, backlog=BACKLOG)
        self._taken = taken

    @property
    def name(self) -> str:
        return "https://{}:{}".format(*self._taken.getsockname()[:2])

    async def start(self) -> None:
        await super().start()
        assert self._runner.server is not None
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server,
            sock=self._taken,
            ssl=self._ssl_context,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_S,
            ssl_shutdown_timeout=FAREWELL_S,
        )


class AddressInUseError(BadRequestError):
    """Report an address at which something listens already."""


def _bind(host: str, port: int, *, is_early: bool) -> socket.socket:
    """Return a socket at the address; all addresses are those of IPv6 and IPv4, where the machine has both."""
    if not host:
        if socket.has_dualstack_ipv6():
            return _bind_to(socket.AF_INET6, ("::", port), is_dual=True)
        host = "0.0.0.0"
    family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return _bind_to(family, target, is_dual=host == "::", is_early=is_early)


def _bind_to(
    family: int, target: tuple[object, ...], *, is_dual: bool = False, is_early: bool = False
) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if is_dual else 1)
        if is_early:
            listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        listener.bind(target)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
