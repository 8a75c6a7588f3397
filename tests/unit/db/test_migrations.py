"""Steps that move data keep what was there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine

from holdfast.db import instances, migrations, snapshots, transfer_bases
from holdfast.db.database import Database, sqlite_url

ROWS = """
INSERT INTO projects VALUES ('default', '', '{}');
INSERT INTO pools (name, driver, description, config) VALUES ('d', 'dir', '', '{}');
INSERT INTO instances
  (id, project, name, type, architecture, description, created_at, ephemeral, stateful, profiles, config, devices, pool)
  VALUES (1, 'default', 'c1', 'container', 'x86_64', 'new', 0, 0, 0, '[]', '{}', '{}', 'd');
INSERT INTO instance_snapshots
  (instance_id, name, created_at, architecture, description, ephemeral, stateful, profiles, config, devices)
  VALUES (1, 's', 0, 'x86_64', 'old', 0, 0, '[]', '{}', '{}')
"""
BASES = f"""
{ROWS.rpartition(";")[0]};
INSERT INTO transfer_bases (instance_id, pool, token, is_received, created_at) VALUES (1, 'd', 't', 1, 0)
"""


def _to(connection: Connection, step: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, step)


def _migrated(directory: Path, step: str, rows: str) -> Database:
    """Return a database that had these rows at that step."""
    path = directory / "holdfast.db"
    engine = create_engine(sqlite_url(path))
    with engine.begin() as connection:
        _to(connection, step)
        for statement in rows.split(";"):
            connection.exec_driver_sql(statement)
    engine.dispose()
    database = Database(sqlite_url(path))
    database.migrate()
    return database


def test_the_description_of_a_snapshot_was_that_of_its_instance(tmp_path: Path) -> None:
    database = _migrated(tmp_path, "0002", ROWS)
    with database.read() as connection:
        snapshot = snapshots.get(connection, "default", "c1", "s")
    database.close()
    assert snapshot is not None
    assert (snapshot.description, snapshot.instance_description, snapshot.is_held) == ("", "old", False)


def test_bases_of_instances_stay_when_volumes_may_have_them(tmp_path: Path) -> None:
    database = _migrated(tmp_path, "0010", BASES)
    with database.read() as connection:
        instance = instances.get(connection, "default", "c1")
        assert instance is not None
        assert [base.token for base in transfer_bases.list_for(connection, instance, is_received=True)] == ["t"]
    with database.write() as connection:
        instances.delete(connection, "default", "c1")
        assert transfer_bases.list_all(connection) == []
    database.close()
