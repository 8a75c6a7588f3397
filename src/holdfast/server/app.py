"""The server on its unix socket and its HTTPS address: starts, answers, stops without cutting answers."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import socket
import stat
from pathlib import Path
from typing import Final

from aiohttp import web

from holdfast.model.errors import InternalError
from holdfast.model.server_keys import HTTPS_ADDRESS_KEY
from holdfast.server.blocking import BlockingPool
from holdfast.server.dispatch import build_application
from holdfast.server.event_hub import EventHub
from holdfast.server.https import HttpsListener
from holdfast.server.operation_sockets import OperationSockets
from holdfast.server.request import Parts
from holdfast.server.routes import ROUTES
from holdfast.server.sessions import Sessions
from holdfast.server.trust_watch import TrustWatch
from holdfast.server.webui import FILES
from holdfast.service.container import Services

_log = logging.getLogger(__name__)

GRACE_S: Final = 10.0
"""How long answers that are under way may go on once the server stops."""
BACKLOG: Final = 512


class Server:
    """Serves the API. `start` and `stop` are called in one event loop."""

    def __init__(
        self, services: Services, socket_path: Path, group: str | None = None, web_files: Path = FILES
    ) -> None:
        self._socket_path, self._group = socket_path, group
        self._pool = BlockingPool()
        self._events = EventHub(services.events)
        self._sockets = OperationSockets()
        self._sessions = Sessions()
        self._trust_watch = TrustWatch(services.events, services.certificates, services.browsers, self._pool)
        parts = Parts(services, self._pool, self._events, self._sockets, self._sessions, self._trust_watch, web_files)
        self._server_config = services.server_config
        self._runner = web.AppRunner(
            build_application(ROUTES, parts),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=GRACE_S,
            keepalive_timeout=75,
        )
        self._https = HttpsListener(self._runner, services.server_certificate)

    async def start(self) -> None:
        """Listen; from its return on, requests are answered."""
        self._events.start()
        self._trust_watch.start()
        await self._runner.setup()
        listener = listen(self._socket_path, self._group)
        await web.SockSite(self._runner, listener, backlog=BACKLOG).start()
        _log.info("Listening on %s", self._socket_path)
        address = await asyncio.to_thread(self._server_config.get, HTTPS_ADDRESS_KEY)
        await self._https.start(address)
        self._server_config.listener = self._https

    async def stop(self) -> None:
        """Take no more requests, end the streams, give running answers a moment."""
        self._server_config.listener = None
        await self._https.stop()
        self._events.stop()
        self._trust_watch.stop()
        await self._sessions.stop()
        self._sockets.forget_all()
        await self._runner.cleanup()
        await asyncio.to_thread(_remove, self._socket_path)
        self._pool.close()


def listen(path: Path, group: str | None) -> socket.socket:
    """Return a socket that only root and the group may open; what a crash left at the path is replaced."""
    gid = _group_id(group) if group else os.getegid()
    _remove(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        # The mode that the socket has before it is bound is the one that its file gets: it is never open to others.
        os.fchmod(listener.fileno(), 0o600)
        try:
            listener.bind(os.fspath(path))
        except OSError as error:
            raise InternalError(f"Can't listen on {path}: {error.strerror or error}") from error
        os.chown(path, -1, gid)
        path.chmod(0o660)
    except BaseException:
        listener.close()
        raise
    return listener


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise InternalError(f'Group "{group}" doesn\'t exist: Create it with "groupadd --system {group}"') from None


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise InternalError(f"{path} is in the way: It is no socket")
        path.unlink()
