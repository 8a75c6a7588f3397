"""Volumes and their snapshots in the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.db import pools, projects, volume_snapshots, volumes
from holdfast.db.database import Database, sqlite_url
from holdfast.model.errors import ConflictError, VolumeNotFoundError
from holdfast.model.kinds import ContentType
from holdfast.model.profile import Project
from holdfast.model.retention import Kept
from holdfast.model.storage import Pool
from holdfast.model.volume import CustomVolume, VolumeSnapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VOLUME = CustomVolume(
    project="default",
    pool="p",
    name="v1",
    content_type=ContentType.BLOCK,
    description="d",
    config={"user.a": "b"},
    created_at=NOW,
)
SNAPSHOT = VolumeSnapshot(
    name="s1",
    description="why",
    config={"user.c": "d"},
    created_at=NOW,
    expires_at=NOW,
    is_held=True,
    schedule="@daily",
    due_at=NOW,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path / "x.db"))
    database.migrate()
    with database.write() as connection:
        projects.insert(connection, Project(name="default", description="", config={}))
        for name in ("p", "q"):
            pools.insert(connection, Pool(name=name, driver="dir"))
        volumes.insert(connection, VOLUME)
        volume_snapshots.insert(connection, VOLUME, SNAPSHOT)
    yield database
    database.close()


def test_all_fields_come_back(database: Database) -> None:
    with database.read() as connection:
        assert volumes.get(connection, "p", "default", "v1") == VOLUME
        assert volumes.get(connection, "q", "default", "v1") is None
        assert volume_snapshots.list_for(connection, VOLUME) == [SNAPSHOT]
        assert volume_snapshots.list_in_pool(connection, "p") == {("p", "default", "v1"): [SNAPSHOT]}
        assert volume_snapshots.list_in_pool(connection, "q") == {}


def test_a_name_is_taken_in_its_pool_only(database: Database) -> None:
    with database.write() as connection:
        volumes.insert(connection, replace(VOLUME, pool="q"))
    with pytest.raises(ConflictError), database.write() as connection:
        volumes.insert(connection, VOLUME)
    with pytest.raises(ConflictError), database.write() as connection:
        volume_snapshots.insert(connection, VOLUME, SNAPSHOT)


def test_snapshots_go_with_their_volume(database: Database) -> None:
    moved = replace(VOLUME, pool="q", name="v2")
    with database.write() as connection:
        volumes.move(connection, VOLUME, moved)
    with database.read() as connection:
        assert volumes.list_all(connection, pool="q") == [moved]
        assert volume_snapshots.list_for(connection, moved) == [SNAPSHOT]
    with database.write() as connection:
        volumes.delete(connection, "q", "default", "v2")
    with database.read() as connection:
        assert volume_snapshots.list_in_pool(connection, "q") == {}


def test_changes_of_what_is_not_there(database: Database) -> None:
    gone = replace(VOLUME, name="gone")
    with pytest.raises(VolumeNotFoundError), database.write() as connection:
        volumes.update(connection, gone)
    with pytest.raises(VolumeNotFoundError), database.write() as connection:
        volumes.move(connection, gone, VOLUME)
    with pytest.raises(VolumeNotFoundError), database.write() as connection:
        volume_snapshots.insert(connection, gone, SNAPSHOT)
    with pytest.raises(VolumeNotFoundError), database.write() as connection:
        volume_snapshots.rename(connection, VOLUME, "gone", "x")


def test_what_retention_must_know(database: Database) -> None:
    wanted = Kept(
        name=SNAPSHOT.name,
        created_at=SNAPSHOT.created_at,
        expires_at=SNAPSHOT.expires_at,
        is_held=SNAPSHOT.is_held,
        schedule=SNAPSHOT.schedule,
    )
    with database.read() as connection:
        assert volume_snapshots.kept(connection, None) == {("p", "default", "v1"): [wanted]}
        assert volume_snapshots.kept(connection, "other") == {}
        assert volume_snapshots.kept_of(connection, VOLUME) == [wanted]
