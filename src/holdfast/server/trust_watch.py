"""Streams that stay open, such as events and terminals, end when the trust in their client does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from holdfast.model.access import Access
from holdfast.model.operation import Event, Lifecycle
from holdfast.server.blocking import BlockingPool
from holdfast.service.browsers import BrowserService
from holdfast.service.certificates import CertificateService
from holdfast.service.events import EventBus

_CHANGES = frozenset(
    {"browser-deleted", "certificate-updated", "certificate-deleted", "project-renamed", "project-deleted"}
)


@dataclass(eq=False, frozen=True, slots=True)
class _Stream:
    http: web.Request
    access: Access


class TrustWatch:
    """Lives in the event loop; `start` connects it to the services."""

    def __init__(
        self, bus: EventBus, certificates: CertificateService, browsers: BrowserService, pool: BlockingPool
    ) -> None:
        self._bus, self._certificates, self._browsers, self._pool = bus, certificates, browsers, pool
        self._streams: set[_Stream] = set()
        self._looking: set[asyncio.Task[None]] = set()
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()

        def hear(event: Event) -> None:
            if isinstance(event.body, Lifecycle) and event.body.action in _CHANGES:
                loop.call_soon_threadsafe(self._look_soon)

        self._unsubscribe = self._bus.subscribe(hear)

    def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in self._looking:
            task.cancel()

    @contextlib.contextmanager
    def during(self, http: web.Request, access: Access) -> Iterator[None]:
        """Watch a stream while the body runs. One that a secret has opened, and no trust, isn't concerned."""
        if not access.is_trusted or not (access.fingerprint or access.browser):
            yield
            return
        stream = _Stream(http, access)
        self._streams.add(stream)
        try:
            yield
        finally:
            self._streams.discard(stream)

    def _look_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._look())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self) -> None:
        for stream in list(self._streams):
            now = await self._pool.run(self._access_now, stream.access)
            transport = stream.http.transport
            if now != stream.access and stream in self._streams and transport is not None:
                transport.abort()

    def _access_now(self, access: Access) -> Access:
        if access.browser:
            return self._browsers.access_of(access.browser)
        return self._certificates.access_of(access.fingerprint)
