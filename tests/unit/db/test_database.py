"""The database: set-up, migrations, transactions."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from holdfast.db import migrations, projects, tables
from holdfast.db.database import Connection, Database, sqlite_url
from holdfast.db.migrations.upgrade import HEAD
from holdfast.model.errors import ConflictError, InternalError, NoSpaceError
from holdfast.model.profile import Project


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path / "holdfast.db"))
    made.migrate()
    yield made
    made.close()


def test_migrations_from_empty_give_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == HEAD


def test_head_is_the_newest_step() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_second_start_finds_nothing_to_do(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: pytest.fail("ran the migrations again"))
    database.migrate()


def test_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(InternalError, match=r"step 9999.*newer version"):
        Database(sqlite_url(path)).migrate()


def test_settings_of_a_connection(database: Database) -> None:
    def pragma(name: str) -> object:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    with database.read() as connection:
        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("busy_timeout") == 10_000


def test_exception_rolls_back(database: Database) -> None:
    with pytest.raises(KeyError), database.write() as connection:
        projects.insert(connection, Project(name="p"))
        raise KeyError
    with database.read() as connection:
        assert projects.list_all(connection) == []


def test_reader_sees_one_moment(database: Database) -> None:
    with database.read() as reader:
        assert projects.list_all(reader) == []
        with database.write() as writer:
            projects.insert(writer, Project(name="p"))
        assert projects.list_all(reader) == []
    with database.read() as reader:
        assert [project.name for project in projects.list_all(reader)] == ["p"]


def test_writers_queue(database: Database) -> None:
    with database.write() as connection:
        projects.insert(connection, Project(name="count", description="0"))

    def increment() -> None:
        for _ in range(20):
            with database.write() as connection:
                project = projects.get(connection, "count")
                assert project is not None
                projects.update(connection, Project(name="count", description=str(int(project.description) + 1)))

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        project = projects.get(connection, "count")
    assert project is not None
    assert project.description == "80"


def test_nested_writing_is_a_fault(database: Database) -> None:
    with database.write(), pytest.raises(InternalError, match="inside another"), database.write():
        pass
    with database.write() as connection:
        projects.insert(connection, Project(name="still-works"))


def test_taken_name_is_a_conflict(database: Database) -> None:
    with database.write() as connection:
        projects.insert(connection, Project(name="p"))
    with pytest.raises(ConflictError, match='This "projects" entry already exists'), database.write() as connection:
        projects.insert(connection, Project(name="p"))


def test_broken_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(InternalError, match=r"broken\.db can't be used: file is not a database"):
        Database(sqlite_url(path)).migrate()


def test_full_disk_changes_nothing(database: Database) -> None:
    """The limit of pages stands for a full file system: SQLite reports both alike."""
    with pytest.raises(NoSpaceError, match="nothing was changed"), database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        projects.insert(connection, Project(name="p", description="x" * 1_000_000))
    with database.read() as connection:
        assert projects.list_all(connection) == []


# --- a commit that writers share --------------------------------------------------------------------------------------


def insert(database: Database, name: str) -> None:
    with database.write() as connection:
        projects.insert(connection, Project(name=name))


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return {project.name for project in projects.list_all(connection)}


def together(database: Database, *works: Callable[[], None]) -> list[Future[None]]:
    """Let a writer write "first" and stay until the works queue behind it, in order; return what all ended with."""
    begun, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with database.write() as connection:
            projects.insert(connection, Project(name="first"))
            begun.set()
            assert may_end.wait(120)

    with ThreadPoolExecutor(len(works) + 1) as executor:
        futures = [executor.submit(first)]
        assert begun.wait(120)
        for number, work in enumerate(works, 1):
            futures.append(executor.submit(work))
            while database.waiting() < number:
                assert not futures[-1].done()
        may_end.set()
    return futures


@pytest.fixture
def commits(database: Database) -> list[object]:
    """The commits that writers waited for: those of readers need no disk."""
    seen: list[object] = []

    def note(connection: Connection) -> None:
        if connection.get_execution_options().get("holdfast_begin"):
            seen.append(connection)

    event.listen(database._engine, "commit", note)
    return seen


def test_writers_that_queue_share_a_commit(database: Database, commits: list[object]) -> None:
    futures = together(database, *(lambda number=n: insert(database, f"p{number}") for n in range(5)))
    assert [future.exception() for future in futures] == [None] * 6
    assert names(database) == {"first", *(f"p{number}" for number in range(5))}
    assert len(commits) == 1


def test_a_commit_is_shared_by_so_many_at_most(
    database: Database, commits: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.db.database.MOST_IN_ONE_COMMIT", 2)
    together(database, *(lambda number=n: insert(database, f"p{number}") for n in range(5)))
    assert len(commits) == 3


def test_one_that_fails_takes_back_its_own_changes_alone(database: Database, commits: list[object]) -> None:
    def fails() -> None:
        with database.write() as connection:
            projects.insert(connection, Project(name="not there"))
            raise KeyError

    futures = together(database, lambda: insert(database, "before"), fails, lambda: insert(database, "after"), fails)
    assert [type(future.exception()) for future in futures] == [type(None), type(None), KeyError, type(None), KeyError]
    assert names(database) == {"first", "before", "after"}
    assert len(commits) == 1


def test_a_first_one_that_fails_leaves_the_next_alone(database: Database) -> None:
    def first() -> None:
        with database.write() as connection:
            projects.insert(connection, Project(name="not there"))
            while not database.waiting():
                assert not second.is_set()
            raise KeyError

    second = threading.Event()

    def after() -> None:
        insert(database, "second")
        second.set()

    with ThreadPoolExecutor(2) as executor:
        futures = [executor.submit(first), executor.submit(after)]
    assert isinstance(futures[0].exception(), KeyError)
    assert futures[1].exception() is None
    assert names(database) == {"second"}


def test_a_commit_that_fails_fails_for_each(database: Database) -> None:
    def refuse(_: Connection) -> None:
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(database._engine, "commit", refuse)
    futures = together(database, lambda: insert(database, "second"), lambda: insert(database, "third"))
    assert [type(future.exception()) for future in futures] == [InternalError] * 3
    event.remove(database._engine, "commit", refuse)
    assert names(database) == set()
    insert(database, "later")
    assert names(database) == {"later"}


def test_a_transaction_that_sqlite_ends_is_lost_for_each(database: Database) -> None:
    """SQLite takes everything back by itself where it finds no other way; "ROLLBACK" stands for such a failure."""

    def ended() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("ROLLBACK")

    futures = together(database, ended, lambda: insert(database, "next"))
    failures = [type(future.exception()) for future in futures]
    assert failures[:2] == [InternalError, InternalError]
    if failures[2] is InternalError:  # it got its turn first, as locks keep no order
        assert names(database) == set()
        insert(database, "next")
    assert names(database) == {"next"}


def test_a_full_disk_in_a_shared_commit(database: Database) -> None:
    """Who is told of success finds its change; who is told of the full disk doesn't."""

    def much() -> None:
        with database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            projects.insert(connection, Project(name="much", description="x" * 1_000_000))

    futures = together(database, much)
    assert isinstance(futures[1].exception(), NoSpaceError)
    assert isinstance(futures[0].exception(), NoSpaceError)
    assert names(database) == set()
    insert(database, "later")
    assert names(database) == {"later"}


_WRITER = """
import sys, threading
from pathlib import Path
from holdfast.db import projects
from holdfast.db.database import Database, sqlite_url
from holdfast.model.profile import Project

database = Database(sqlite_url(Path(sys.argv[1])))

def work(thread):
    for number in range(1_000_000):
        with database.write() as connection:
            projects.insert(connection, Project(name=f"{thread}-{number}"))
        sys.stdout.write(f"{thread}-{number}\\n")
        sys.stdout.flush()

for thread in range(8):
    threading.Thread(target=work, args=[thread]).start()
"""


def test_what_was_reported_survives_kill(database: Database, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "holdfast.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline() for _ in range(100)]
        process.kill()
        reported += [line for line in process.stdout if line.endswith("\n")]
    assert {line.strip() for line in reported} <= names(database)
