"""Queries of every noun, on a real file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from holdfast.db import (
    aliases,
    backups,
    images,
    instances,
    intents,
    pools,
    profiles,
    projects,
    server_config,
    snapshots,
)
from holdfast.db.database import Connection, Database, sqlite_url
from holdfast.model.backup import Backup, BackupOwner
from holdfast.model.errors import BadRequestError, ConflictError, ImageNotFoundError, InstanceNotFoundError
from holdfast.model.image import Image, ImageAlias
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.intent import IntentRecord
from holdfast.model.kinds import InstanceType
from holdfast.model.profile import Profile, Project
from holdfast.model.storage import Pool

NOW = datetime(2026, 11, 23, 4, 7, 41, 123456, tzinfo=UTC)
OWNER = BackupOwner(project="default", name="c1")
C1 = Instance(
    project="default",
    name="c1",
    created_at=NOW,
    last_used_at=NOW + timedelta(microseconds=1),
    description="eine größere",
    profiles=("b", "a"),
    config={"user.x": "ü", "user.y": ""},
    devices={"root": {"type": "disk", "path": "/", "pool": "p"}},
    pool="p",
    ephemeral=True,
)
SNAP = Snapshot(name="snap0", created_at=NOW, expires_at=NOW, config={"a": "b"}, profiles=("default",), stateful=True)
IMAGE = Image(
    project="default",
    fingerprint="ab" * 32,
    filename="x.tar.gz",
    size_bytes=2**40,
    uploaded_at=NOW,
    properties={"os": "x"},
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database(sqlite_url(tmp_path / "holdfast.db"))
    database.migrate()
    with database.write() as made:
        projects.insert(made, Project(name="default"))
        projects.insert(made, Project(name="other", config={"features.images": "true"}))
        pools.insert(made, Pool(name="p", driver="dir", config={"source": "/x"}, created_at=NOW))
        yield made
    database.close()


def test_instance_comes_back_as_it_went(connection: Connection) -> None:
    instances.insert(connection, C1)
    assert instances.get(connection, "default", "c1") == C1
    assert instances.get(connection, "other", "c1") is None
    changed = replace(C1, config={}, devices={}, profiles=(), last_used_at=None, type=InstanceType.VIRTUAL_MACHINE)
    instances.update(connection, changed)
    assert instances.get(connection, "default", "c1") == changed
    with pytest.raises(InstanceNotFoundError):
        instances.update(connection, replace(C1, name="nosuch"))


def test_instances_by_project_and_pool(connection: Connection) -> None:
    for project, name in (("other", "a"), ("default", "b"), ("default", "a")):
        instances.insert(connection, replace(C1, project=project, name=name))
    assert [each.name for each in instances.list_all(connection, "default")] == ["a", "b"]
    assert [each.project for each in instances.list_all(connection, None)] == ["default", "default", "other"]
    assert len(instances.list_in_pool(connection, "p")) == 3
    assert instances.list_in_pool(connection, "q") == []


def test_taken_instance_name(connection: Connection) -> None:
    instances.insert(connection, C1)
    with pytest.raises(ConflictError, match=r'^This "instances" entry already exists$'):
        instances.insert(connection, C1)


def test_rename_to_a_taken_name(connection: Connection) -> None:
    instances.insert(connection, C1)
    instances.insert(connection, replace(C1, name="c2"))
    with pytest.raises(ConflictError):
        instances.rename(connection, "default", "c1", "c2", "default")


def test_instance_in_a_pool_that_is_not_there(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        instances.insert(connection, replace(C1, pool="nosuch"))


def test_pool_with_an_instance_stays(connection: Connection) -> None:
    instances.insert(connection, C1)
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        pools.delete(connection, "p")


def test_rename_and_delete_take_snapshots_and_backups_along(connection: Connection) -> None:
    instances.insert(connection, C1)
    snapshots.insert(connection, "default", "c1", SNAP)
    backups.insert(connection, Backup(owner=OWNER, name="b0", created_at=NOW))
    instances.rename(connection, "default", "c1", "c2", "default")
    assert snapshots.list_for(connection, "default", "c1") == []
    assert snapshots.list_for(connection, "default", "c2") == [SNAP]
    assert [backup.owner.name for backup in backups.list_for(connection, replace(OWNER, name="c2"))] == ["c2"]
    instances.delete(connection, "default", "c2")
    assert snapshots.list_all(connection, None) == {}
    assert backups.list_all(connection, None) == {}


def test_snapshots_are_ordered_by_creation_then_by_id(connection: Connection) -> None:
    instances.insert(connection, C1)
    for name, seconds in (("z", 0), ("late", 5), ("a", 0), ("early", -5)):
        snapshot = replace(SNAP, name=name, created_at=NOW + timedelta(seconds=seconds))
        snapshots.insert(connection, "default", "c1", snapshot)
    expected = ["early", "z", "a", "late"]
    assert [each.name for each in snapshots.list_for(connection, "default", "c1")] == expected
    assert [each.name for each in snapshots.list_all(connection, "default")["default", "c1"]] == expected


def test_snapshot_changes(connection: Connection) -> None:
    instances.insert(connection, C1)
    snapshots.insert(connection, "default", "c1", SNAP)
    with pytest.raises(ConflictError, match=r'^This "instances_snapshots" entry already exists$'):
        snapshots.insert(connection, "default", "c1", SNAP)


def test_snapshot_update_rename_delete(connection: Connection) -> None:
    instances.insert(connection, C1)
    snapshots.insert(connection, "default", "c1", SNAP)
    snapshots.update(connection, "default", "c1", replace(SNAP, expires_at=None))
    snapshots.rename(connection, "default", "c1", "snap0", "new")
    assert snapshots.get(connection, "default", "c1", "new") == replace(SNAP, name="new", expires_at=None)
    snapshots.delete(connection, "default", "c1", "new")
    snapshots.delete(connection, "default", "c1", "new")
    assert snapshots.get(connection, "default", "c1", "new") is None
    with pytest.raises(InstanceNotFoundError):
        snapshots.insert(connection, "default", "nosuch", SNAP)


def test_expired(connection: Connection) -> None:
    instances.insert(connection, C1)
    for name, expires in (("never", None), ("now", NOW), ("later", NOW + timedelta(microseconds=1))):
        snapshots.insert(connection, "default", "c1", replace(SNAP, name=name, expires_at=expires))
        backup = Backup(owner=OWNER, name=name, created_at=NOW, expires_at=expires)
        backups.insert(connection, backup)
    assert [(each.name, each.expires_at) for each in snapshots.kept(connection, None)["default", "c1"]] == [
        ("never", None),
        ("now", NOW),
        ("later", NOW + timedelta(microseconds=1)),
    ]
    assert snapshots.kept(connection, "other") == {}
    assert snapshots.kept_of(connection, "default", "c1") == snapshots.kept(connection, "default")["default", "c1"]
    assert [each.name for each in backups.expired(connection, NOW)] == ["now"]


def test_images_by_prefix(connection: Connection) -> None:
    images.insert(connection, IMAGE)
    images.insert(connection, replace(IMAGE, fingerprint="ac" * 32))
    assert images.get(connection, "default", "AB") == IMAGE
    assert images.get(connection, "other", "ab") is None
    for nothing in ("", "%", "_", "zz", "abx"):
        assert images.get(connection, "default", nothing) is None
    with pytest.raises(BadRequestError, match="More than one image"):
        images.get(connection, "default", "a")
    images.touch(connection, "default", IMAGE.fingerprint, NOW)
    found = images.get(connection, "default", IMAGE.fingerprint)
    assert found == replace(IMAGE, last_used_at=NOW)
    images.insert(connection, replace(IMAGE, project="other"))
    assert images.projects_with(connection, IMAGE.fingerprint) == ["default", "other"]


def test_aliases_follow_their_image(connection: Connection) -> None:
    images.insert(connection, IMAGE)
    alias = ImageAlias(project="default", name="x/y", target=IMAGE.fingerprint, description="d")
    aliases.insert(connection, alias)
    assert aliases.get(connection, "default", "x/y") == alias
    assert aliases.list_for(connection, "default", IMAGE.fingerprint) == [alias]
    aliases.rename(connection, "default", "x/y", "z")
    assert aliases.list_all(connection, None) == [replace(alias, name="z")]
    with pytest.raises(ImageNotFoundError):
        aliases.update(connection, replace(alias, name="z", target="cd" * 32))
    images.delete(connection, "default", IMAGE.fingerprint)
    assert aliases.list_all(connection, None) == []


def test_profile_rename_reaches_instances_and_snapshots(connection: Connection) -> None:
    profiles.insert(connection, Profile(project="default", name="a", config={"x": "y"}))
    instances.insert(connection, C1)
    snapshots.insert(connection, "default", "c1", replace(SNAP, profiles=("a", "c")))
    assert profiles.used_by(connection, "a", ["default"]) == [("default", "c1")]
    assert profiles.used_by(connection, "a", ["other"]) == []
    profiles.rename(connection, "default", "a", "new", ["default"])
    renamed = instances.get(connection, "default", "c1")
    assert renamed is not None
    assert renamed.profiles == ("b", "new")
    assert snapshots.list_for(connection, "default", "c1")[0].profiles == ("new", "c")
    assert [profile.name for profile in profiles.list_all(connection, None)] == ["new"]


def test_server_config_is_replaced_as_a_whole(connection: Connection) -> None:
    server_config.set_all(connection, {"user.a": "1", "user.b": "2"})
    server_config.set_all(connection, {"user.b": "3"})
    assert server_config.get_all(connection) == {"user.b": "3"}
    server_config.set_all(connection, {})
    assert server_config.get_all(connection) == {}


def test_intents(connection: Connection) -> None:
    record = IntentRecord(id="aa", kind="restore", payload={"n": [1, {"x": None}]}, created_at=NOW)
    intents.insert(connection, record)
    intents.update(connection, "aa", {"n": 2})
    assert intents.list_all(connection) == [replace(record, payload={"n": 2})]
    intents.delete(connection, "aa")
    assert intents.list_all(connection) == []
