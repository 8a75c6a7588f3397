"""The server process: puts everything together, in order, and takes it apart again. Knows everybody, decides little."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NoReturn

from holdfast import __version__
from holdfast.db.database import Database, sqlite_url
from holdfast.host.kernel import share_memory_among_threads
from holdfast.model.clock import SystemClock
from holdfast.model.errors import BadRequestError, HoldfastError
from holdfast.model.operation import Operation
from holdfast.runtime.base import Runtime
from holdfast.runtime.lxc.runtime import LxcRuntime
from holdfast.server.app import Server
from holdfast.service.container import Services, build_services
from holdfast.service.directory_lock import DirectoryLock
from holdfast.service.events import EventBus
from holdfast.service.log_stream import set_up_logging
from holdfast.service.paths import Paths
from holdfast.service.readiness import notify
from holdfast.storage.registry import DRIVERS

_log = logging.getLogger(__name__)

DRAIN_S: Final = 20.0
"""How long a stop waits for running operations. What is cut then is undone by the next start, so a stop needn't wait
for hours of export; systemd's own limit is 90 s."""

BACKUPS_PRUNED_EVERY_S: Final = 3600.0
UPLOADS_PRUNED_EVERY_S: Final = 3600.0
IMAGES_PRUNED_EVERY_S: Final = 3600.0
FORMER_STATES_PRUNED_EVERY_S: Final = 60.0
AGES_CHECKED_EVERY_S: Final = 60.0
MINUTE_S: Final = 60.0
AUTOSTART_AWAITED_S: Final = 300.0
"""How long the first look at schedules waits for instances that start with the server: those that still stand still
would be passed over. Long delays between starts (`boot.autostart.delay`) aren't waited for."""

LONGEST_SOCKET_PATH: Final = 107
"""Bytes in the address of a unix socket (unix(7))."""


class Daemon:
    """One server on one directory, from start to stop."""

    def __init__(self, root: Path, *, group: str | None = None, ready_timeout_s: float | None = None) -> None:
        self._paths = Paths(root.absolute())
        self._group = group
        self._events = EventBus()
        self._patience = Patience(ready_timeout_s)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises `HoldfastError` if it can't start."""
        with ExitStack() as stack:
            stack.enter_context(self._patience)
            self._prepare_directory(stack)
            set_up_logging(self._events, os.environ.get("HOLDFAST_LOG_LEVEL", "INFO").upper())
            _log.info("Starting Holdfast %s in %s", __version__, self._paths.root)
            database = stack.enter_context(_database(self._paths))
            runtime = stack.enter_context(_runtime(self._paths))
            services = build_services(
                paths=self._paths,
                database=database,
                events=self._events,
                runtime=runtime,
                drivers=DRIVERS,
                clock=SystemClock(),
            )
            self._bring_up(services, runtime)
            asyncio.run(self._serve(services))
        _log.info("Stopped; instances keep running")

    def _prepare_directory(self, stack: ExitStack) -> None:
        if os.geteuid() != 0:
            raise BadRequestError("The server must run as root: it mounts file systems and starts containers")
        if len(os.fsencode(self._paths.socket)) > LONGEST_SOCKET_PATH:
            raise BadRequestError(
                f"The path of the socket {self._paths.socket} is longer than {LONGEST_SOCKET_PATH} bytes: "
                "choose a shorter HOLDFAST_DIR"
            )
        os.umask(0o077)
        self._paths.prepare()
        lock = DirectoryLock(self._paths.lock)
        lock.take()
        stack.callback(lock.release)

    def _bring_up(self, services: Services, runtime: Runtime) -> None:
        """Get back to a whole state before anyone may ask: pools, what a crash left, what runs."""
        for kind in sorted(DRIVERS):
            reason = DRIVERS[kind].check_host()
            if reason is not None:
                _log.warning("No %s pools here: %s", kind, reason)
        services.projects.ensure_default()
        services.pools.activate_all()
        services.recovery.run()
        services.clear_leftovers()
        runtime.watch(services.power.on_stopped)
        runtime.track(services.instance_keys())

    async def _serve(self, services: Services) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        server = Server(services, self._paths.socket, self._group)
        await server.start()
        _log.info("Ready on %s", self._paths.socket)
        notify("READY=1")
        self._patience.end()
        starting = services.autostart.begin()
        ticks = (
            asyncio.create_task(_every(BACKUPS_PRUNED_EVERY_S, services.backups.prune_expired)),
            asyncio.create_task(_every(UPLOADS_PRUNED_EVERY_S, services.uploads.prune)),
            asyncio.create_task(_every(IMAGES_PRUNED_EVERY_S, services.prune_images)),
            asyncio.create_task(_each_minute(services, starting.id)),
            asyncio.create_task(_every(MINUTE_S, services.pools.activate_all)),
            asyncio.create_task(_every(MINUTE_S, services.autostart.start_late)),
            asyncio.create_task(_every(MINUTE_S, services.certificates.expire_tokens)),
            asyncio.create_task(_every(MINUTE_S, services.browsers.expire)),
            asyncio.create_task(_every(FORMER_STATES_PRUNED_EVERY_S, services.former_states.expire)),
            asyncio.create_task(_every(MINUTE_S, services.migrations.bases.expire)),
            asyncio.create_task(_every(AGES_CHECKED_EVERY_S, services.protections.check_ages)),
        )
        await stopping.wait()
        for tick in ticks:
            tick.cancel()
        services.scheduler.close()
        _log.info("Stopping")
        notify("STOPPING=1")
        await asyncio.to_thread(services.operations.drain, DRAIN_S)
        await server.stop()


async def _every(interval_s: float, work: Callable[[], object]) -> None:
    """Do the work now and again after each interval, whatever becomes of it."""
    while True:
        await _attempt(work)
        await asyncio.sleep(interval_s)


async def _attempt(work: Callable[[], object]) -> None:
    try:
        await asyncio.to_thread(work)
    except Exception:  # noqa: BLE001 - the border of a tick: the next one tries again
        _log.exception("Regular work failed: %s", getattr(work, "__qualname__", work))


async def _each_minute(services: Services, starting: str) -> None:
    """Look at the schedules once instances have started, then at the beginning of each minute."""
    loop, have_started = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Operation) -> None:
        loop.call_soon_threadsafe(have_started.set)

    services.operations.when_done(starting, tell)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(have_started.wait(), AUTOSTART_AWAITED_S)
    while True:
        await _attempt(services.scheduler.tick)
        await asyncio.sleep(MINUTE_S - time.time() % MINUTE_S)


class Patience:
    """Ends the process if `end` isn't called in time; without a time it waits for ever."""

    def __init__(self, timeout_s: float | None) -> None:
        self._timer = None if timeout_s is None else threading.Timer(timeout_s, _give_up, [timeout_s])

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _give_up(timeout_s: float) -> None:
    print(f"Error: The server wasn't ready after {timeout_s:g} s; its log above says how far it got", file=sys.stderr)
    os._exit(1)


@contextmanager
def _database(paths: Paths) -> Iterator[Database]:
    database = Database(sqlite_url(paths.database))
    with contextlib.closing(database):
        database.migrate()
        yield database


@contextmanager
def _runtime(paths: Paths) -> Iterator[Runtime]:
    runtime = LxcRuntime(paths.run)
    with contextlib.closing(runtime):
        for sentence in runtime.check_host():
            _log.error("Containers can't run as they should: %s", sentence)
        yield runtime


def main(root: Path, group: str | None = None, ready_timeout_s: float | None = None) -> NoReturn:
    """Run the server, then end the process, with 1 if it couldn't start or wasn't ready after `ready_timeout_s`."""
    share_memory_among_threads()
    daemon, code = Daemon(root, group=group, ready_timeout_s=ready_timeout_s), 0
    try:
        daemon.run()
    except HoldfastError as error:
        print(f"Error: {error}", file=sys.stderr)
        code = 1
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process at once: all is closed, and taking the interpreter apart would be 0.2 s of work for nothing.

    Work that still runs in threads isn't waited for: the next start undoes or finishes it by its intent.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
