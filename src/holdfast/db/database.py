"""The one way to the database: short reading transactions side by side, one writing transaction at a time.

Writers that queue share a commit: waiting for the disk is what a small transaction costs, and it costs many no more.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Engine, NestedTransaction, create_engine, event, make_url
from sqlalchemy import Connection as Connection  # for those who pass it on
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from holdfast.db.migrations.upgrade import upgrade
from holdfast.model.errors import InternalError, NoSpaceError

BUSY_TIMEOUT_MS: Final = 10_000
"""Only another process (a person with `sqlite3`) can make a writer of ours wait: ours queue on a lock."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
)


def sqlite_url(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


MOST_IN_ONE_COMMIT: Final = 32
"""Changes: bounds how long the first of them waits for those behind it."""


class _Batch:
    """A transaction that several writers share, one after the other; each returns when it is committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.members = 0
        self.error: BaseException | None = None
        self.is_over = threading.Event()

    def is_open(self) -> bool:
        """Tell whether the transaction is still there: SQLite itself ends it after some failures, as of a full disk."""
        driver = self.connection.connection.driver_connection
        return not isinstance(driver, sqlite3.Connection) or driver.in_transaction


class Database:
    """Connections to one database; thread-safe. `migrate` must have run before the first query."""

    def __init__(self, url: URL | str) -> None:
        self._engine = _engine(make_url(url))
        self._writer = threading.Lock()
        self._writing = threading.local()
        self._queue = threading.Lock()
        self._queued = 0
        self._batch: _Batch | None = None

    def migrate(self) -> None:
        """Bring the tables to what this version knows; refuse a database of a newer version."""
        try:
            with self.write() as connection:
                upgrade(connection)
        except DatabaseError as error:
            raise InternalError(
                f"The database {self._engine.url.render_as_string()} can't be used: {error.orig}. Restore it from a "
                "copy, or move it away to start with an empty one (instances of the old one are then unknown)"
            ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and changes nothing."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the writing connection; commit at the end, roll back on an exception. Doesn't nest.

        The block must be short and wait for nobody: no lock is taken in it. What is done is on the disk when this
        returns. Others may have written in the same commit: they see each other's changes, and an exception takes back
        its own writer's alone.
        """
        if getattr(self._writing, "is_active", False):
            raise InternalError("A writing transaction was opened inside another one")
        self._writing.is_active = True
        try:
            yield from self._write_in_turn()
        except OperationalError as error:
            if "disk is full" in str(error.orig):
                raise NoSpaceError("No space left for the database: nothing was changed") from error
            raise InternalError(f"The database can't be written: {error.orig}") from error
        finally:
            self._writing.is_active = False

    def _write_in_turn(self) -> Iterator[Connection]:
        with self._turn():
            batch = self._batch = self._batch or self._begin()
            savepoint = None
            try:
                if batch.members:
                    savepoint = batch.connection.begin_nested()
                yield batch.connection
                if savepoint is not None:
                    savepoint.commit()
                batch.members += 1
            except BaseException as error:
                self._leave(batch, None if _is_taken_back(batch, savepoint) else error)
                raise
            self._leave(batch)
        batch.is_over.wait()
        if batch.error is not None:
            raise batch.error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._queue:
            self._queued += 1
        with self._writer:
            with self._queue:
                self._queued -= 1
            yield

    def _begin(self) -> _Batch:
        connection = self._engine.connect()
        try:
            connection.execution_options(holdfast_begin="BEGIN IMMEDIATE")
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return _Batch(connection)

    def _leave(self, batch: _Batch, error: BaseException | None = None) -> None:
        """Leave the commit to the next in the queue, or commit; an `error` is the end of the whole transaction."""
        if error is None and self._queued and batch.members < MOST_IN_ONE_COMMIT:
            return
        self._batch, batch.error = None, error
        try:
            if error is None:
                batch.connection.commit()
        except BaseException as failure:
            batch.error = failure
            raise
        finally:
            if batch.error is not None:
                batch.connection.invalidate()  # closes it: whatever state it is in, nothing is left open in the pool
            batch.connection.close()
            batch.is_over.set()

    def waiting(self) -> int:
        """Return how many writers wait for their turn."""
        with self._queue:
            return self._queued

    def close(self) -> None:
        self._engine.dispose()


def _is_taken_back(batch: _Batch, savepoint: NestedTransaction | None) -> bool:
    """Take back what the writer did who has just failed; tell whether the transaction can go on without it."""
    if savepoint is None or not savepoint.is_active or not batch.is_open():
        return False
    try:
        savepoint.rollback()
    except DatabaseError:
        return False
    return True


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, pool_size=8, max_overflow=64, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set up a new connection; without a level of isolation the driver begins nothing by itself."""
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer at once where that is what it will be: a reader that turns writer may be refused."""
    options = connection.get_execution_options()
    connection.exec_driver_sql(str(options.get("holdfast_begin", "BEGIN")))
