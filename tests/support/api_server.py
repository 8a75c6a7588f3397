"""The API server on a unix socket in an event loop of its own, over real services in a directory of its own."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path

from holdfast.server.app import Server
from holdfast.server.webui import FILES
from holdfast.service.container import Services
from support.waiting import LONG_S


@dataclass(frozen=True)
class Running:
    """The socket to ask, and the services behind it."""

    socket: Path
    services: Services


class ServerThread:
    """Runs a server in an event loop of its own."""

    def __init__(self, services: Services, socket: Path, web_files: Path = FILES) -> None:
        self._server = Server(services, socket, web_files=web_files)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(LONG_S)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(LONG_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
