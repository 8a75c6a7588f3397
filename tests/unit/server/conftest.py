"""A real server on a unix socket, over real services in a temporary directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.db.database import Database, sqlite_url
from holdfast.model.clock import SystemClock
from holdfast.runtime.lxc.runtime import LxcRuntime
from holdfast.service.container import Services, build_services
from holdfast.service.events import EventBus
from holdfast.service.paths import Paths
from holdfast.storage.registry import DRIVERS
from support.api_server import Running, ServerThread
from support.clients import Clients, make_clients


@pytest.fixture
def services(short_tmp_path: Path) -> Iterator[Services]:
    paths = Paths(short_tmp_path)
    paths.prepare()
    database = Database(sqlite_url(paths.database))
    database.migrate()
    runtime = LxcRuntime(paths.run)
    services = build_services(
        paths=paths, database=database, events=EventBus(), runtime=runtime, drivers=DRIVERS, clock=SystemClock()
    )
    services.projects.ensure_default()
    yield services
    services.operations.drain(10)
    runtime.close()
    database.close()


@pytest.fixture
def api(services: Services) -> Iterator[Running]:
    thread = ServerThread(services, services.paths.socket)
    thread.start()
    yield Running(services.paths.socket, services)
    thread.stop()


@pytest.fixture
def clients(api: Running, tmp_path: Path) -> Clients:
    """A server with HTTPS, the projects p1 and p2, and clients of every kind."""
    return make_clients(api, tmp_path)
