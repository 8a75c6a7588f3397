"""The one way to the database: short reading transactions side by side, one writing transaction at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
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


class Database:
    """Connections to one database; thread-safe. `migrate` must have run before the first query."""

    def __init__(self, url: URL | str) -> None:
        self._engine = _engine(make_url(url))
        self._writer = threading.Lock()
        self._writing = threading.local()

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
        """Give the writing connection; commit at the end, roll back on an exception. Doesn't nest."""
        if getattr(self._writing, "is_active", False):
            raise InternalError("A writing transaction was opened inside another one")
        with self._writer:
            self._writing.is_active = True
            try:
                with self._engine.connect() as connection:
                    connection.execution_options(holdfast_begin="BEGIN IMMEDIATE")
                    with connection.begin():
                        yield connection
            except OperationalError as error:
                if "disk is full" in str(error.orig):
                    raise NoSpaceError("No space left for the database: nothing was changed") from error
                raise InternalError(f"The database can't be written: {error.orig}") from error
            finally:
                self._writing.is_active = False

    def close(self) -> None:
        self._engine.dispose()


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
