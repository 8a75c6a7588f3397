"""The image services as the daemon builds them, over a real database and real pools, without a server."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.db.database import Database, sqlite_url
from holdfast.model.clock import SystemClock
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Event, Lifecycle, Operation
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageRequest
from holdfast.service.image_services import ImageServices, make_image_services
from holdfast.service.intents import IntentLog
from holdfast.service.locks import Locks
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths
from holdfast.service.pools import PoolService
from holdfast.service.projects import ProjectService
from holdfast.service.recovery import Recovery
from holdfast.storage.registry import DRIVERS

METADATA = "architecture: amd64\ncreation_date: 1700000000\nproperties: {os: Tiny, release: 1, name: NAME}\n"
CALLER = Caller()


class KnownStatuses:
    """Says what the test wants of an instance, without running one."""

    def __init__(self) -> None:
        self.running: set[str] = set()

    def status(self, key: str) -> StatusCode:
        return StatusCode.RUNNING if key in self.running else StatusCode.STOPPED


@dataclass
class ImageWorld:
    """The services and what a test looks at."""

    root: Path
    paths: Paths
    database: Database
    operations: Operations
    made: ImageServices
    pools: PoolService
    statuses: KnownStatuses
    recovery: Recovery
    intents: IntentLog
    projects: ProjectService
    happened: list[tuple[str, str]]

    def wait(self, operation: Operation) -> Operation:
        return self.operations.wait(operation.id, 120)

    def succeed(self, operation: Operation) -> Operation:
        done = self.wait(operation)
        assert done.status is StatusCode.SUCCESS, done.error
        return done

    def spool(self, content: bytes, name: str = "upload") -> Path:
        path = self.paths.incoming / name
        path.write_bytes(content)
        return path

    def add(self, name: str = "a", caller: Caller = CALLER, **request: Any) -> str:
        """Add a small unified image; return its fingerprint."""
        operation = self.made.images.add_unified(
            caller,
            self.spool(unified(name)),
            ImageRequest(**request),
        )
        metadata = self.succeed(operation).metadata
        assert metadata is not None
        return str(metadata["fingerprint"])

    def files(self) -> set[str]:
        """Return what is in the directory of images, staging included, and what is still spooled."""
        found = {str(path.relative_to(self.paths.images)) for path in self.paths.images.rglob("*")}
        return (found - {".staging"}) | {f"incoming/{path.name}" for path in self.paths.incoming.iterdir()}


def make_fresh_database(path: Path) -> None:
    """Write a database as it is at the first start: making one takes longer than a whole test, copying it does not."""
    database = Database(sqlite_url(path))
    database.migrate()
    ProjectService(database=database, locks=Locks(), events=EventBus()).ensure_default()
    database.close()


@contextmanager
def image_world(directory: Path, fresh_database: Path) -> Iterator[ImageWorld]:
    """Give a world below the directory; its pools are gone afterwards."""
    paths = Paths(directory / "state")
    paths.prepare()
    shutil.copy(fresh_database, paths.database)
    database = Database(sqlite_url(paths.database))
    events, locks, clock, statuses = EventBus(), Locks(), SystemClock(), KnownStatuses()
    intents = IntentLog(database)
    pools = PoolService(database=database, paths=paths, drivers=DRIVERS, locks=locks, intents=intents, events=events)
    recovery = Recovery(intents, pools)
    operations = Operations(events, workers=4)
    happened: list[tuple[str, str]] = []

    def listen(event: Event) -> None:
        if isinstance(event.body, Lifecycle):
            happened.append((event.body.action, event.body.source))

    events.subscribe(listen)
    made = make_image_services(
        database=database,
        paths=paths,
        pools=pools,
        runtime=statuses,
        locks=locks,
        intents=intents,
        recovery=recovery,
        operations=operations,
        events=events,
        clock=clock,
    )
    projects = ProjectService(database=database, locks=locks, events=events)
    try:
        yield ImageWorld(
            directory, paths, database, operations, made, pools, statuses, recovery, intents, projects, happened
        )
    finally:
        operations.drain(5)
        for pool in pools.list():
            pools.driver(pool.name).destroy()
        database.close()


def archive(files: dict[str, bytes], compression: str = "gz") -> bytes:
    """Return a tarball of the files, the same each time; a name that ends in a slash is a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression.replace('gz', '')}") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.rstrip("/"))
            member.size, member.mode = len(content), 0o755
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0) if compression == "gz" else out.getvalue()


def unified(name: str = "a", compression: str = "gz") -> bytes:
    files = {"metadata.yaml": METADATA.replace("NAME", name).encode(), "rootfs/": b"", "rootfs/hello": b"hi"}
    return archive(files, compression)
