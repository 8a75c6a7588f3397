"""The database: set-up, migrations, transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from holdfast.db import migrations, projects, tables
from holdfast.db.database import Database, sqlite_url
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
