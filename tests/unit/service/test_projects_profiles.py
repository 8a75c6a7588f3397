"""Projects and profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.db import instances, pools, profiles, protections
from holdfast.db.database import Database, sqlite_url
from holdfast.model.clock import SystemClock
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    NotAuthorizedError,
    ProfileNotFoundError,
    ProjectNotFoundError,
)
from holdfast.model.instance import Instance
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool
from holdfast.service import pool_usage
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.locks import Locks
from holdfast.service.profiles import ProfileService
from holdfast.service.projects import ProjectService
from holdfast.service.server_config import ServerConfigService
from support.protections import PROTECTION

DEFAULT, OTHER = Caller("default"), Caller("other")
ROOT = {"root": {"type": "disk", "path": "/", "pool": "p"}}


class Scene:
    def __init__(self, path: Path) -> None:
        self.database = Database(sqlite_url(path))
        self.database.migrate()
        locks, events = Locks(), EventBus()
        self.projects = ProjectService(database=self.database, locks=locks, events=events)
        self.profiles = ProfileService(database=self.database, locks=locks, events=events)
        self.server_config = ServerConfigService(database=self.database, events=events)
        self.projects.ensure_default()
        self.projects.ensure_default()
        with self.database.write() as connection:
            pools.insert(connection, Pool(name="p", driver="dir"))
            pools.insert(connection, Pool(name="q", driver="dir"))

    def add_instance(self, project: str, name: str, *profile_names: str) -> None:
        now = SystemClock().now()
        with self.database.write() as connection:
            instance = Instance(project=project, name=name, created_at=now, profiles=profile_names, pool="p")
            instances.insert(connection, instance)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "holdfast.db")
    yield made
    made.database.close()


def test_first_start_makes_the_defaults(scene: Scene) -> None:
    assert [project.name for project in scene.projects.list()] == ["default"]
    assert [(each.project, each.name, each.devices) for each in scene.profiles.list(None)] == [
        ("default", "default", {})
    ]


def test_project_has_its_own_things(scene: Scene) -> None:
    scene.projects.create(DEFAULT, "other", "", {})
    assert scene.projects.used_by("other") == ["/1.0/profiles/default?project=other"]
    scene.profiles.create(OTHER, "x", "", {"limits.cpu": "2"}, {})
    with pytest.raises(ProfileNotFoundError):
        scene.profiles.get("default", "x")
    assert scene.profiles.get("other", "x").config == {"limits.cpu": "2"}


def test_an_empty_option_of_a_device_is_none(scene: Scene) -> None:
    empty = {"root": {**ROOT["root"], "size": ""}}
    assert scene.profiles.create(DEFAULT, "x", "", {}, empty).devices == ROOT
    assert scene.profiles.update(DEFAULT, "x", "", {}, empty).devices == ROOT
    assert scene.profiles.get("default", "x").devices == ROOT


def test_project_that_begins_to_share_leaves_no_profile(scene: Scene) -> None:
    scene.projects.create(DEFAULT, "other", "", {})
    scene.projects.patch(DEFAULT, "other", config={"features.profiles": "false"})
    assert scene.projects.used_by("other") == []
    assert [(each.project, each.name) for each in scene.profiles.list(None)] == [("default", "default")]
    assert scene.profiles.get("other", "default").project == "default"
    scene.projects.patch(DEFAULT, "other", config={"features.profiles": "true"})
    assert scene.projects.used_by("other") == ["/1.0/profiles/default?project=other"]


def test_a_profile_that_was_left_of_such_a_project_goes_at_the_next_start(scene: Scene) -> None:
    """Earlier versions left it: it kept its pool from being deleted, and nobody could get at it."""
    scene.projects.create(DEFAULT, "other", "", {"features.profiles": "false"})
    scene.projects.create(DEFAULT, "own", "", {})
    with scene.database.write() as connection:
        profiles.insert(connection, Profile(project="other", name="default", devices=ROOT))
        assert pool_usage.users(connection, ROOT["root"]["pool"]) == ["/1.0/profiles/default?project=other"]
    scene.projects.ensure_default()
    with scene.database.read() as connection:
        assert pool_usage.users(connection, ROOT["root"]["pool"]) == []
    assert {(each.project, each.name) for each in scene.profiles.list(None)} == {
        ("default", "default"),
        ("own", "default"),
    }


def test_project_that_shares(scene: Scene) -> None:
    scene.projects.create(DEFAULT, "other", "", {"features.profiles": "false", "features.images": "false"})
    scene.profiles.create(OTHER, "x", "", {}, {})
    assert scene.profiles.get("default", "x").project == "default"
    assert scene.projects.image_project("other") == "default"
    scene.add_instance("other", "c1", "x")
    assert scene.profiles.used_by("default", "x") == ["/1.0/instances/c1?project=other"]
    with pytest.raises(BadRequestError, match="currently in use"):
        scene.profiles.delete(DEFAULT, "x")


def test_projects_are_deleted_when_empty(scene: Scene) -> None:
    scene.projects.create(DEFAULT, "other", "", {})
    scene.profiles.create(OTHER, "x", "", {}, {})
    with pytest.raises(BadRequestError, match=r"^Only empty projects can be removed$"):
        scene.projects.delete(DEFAULT, "other")
    scene.profiles.delete(OTHER, "x")
    scene.projects.delete(DEFAULT, "other")
    with pytest.raises(ProjectNotFoundError):
        scene.projects.get("other")
    with pytest.raises(NotAuthorizedError, match="default project"):
        scene.projects.delete(DEFAULT, "default")


def test_a_project_for_the_copies_of_a_protection_stays(scene: Scene) -> None:
    """Also while there is no copy in it yet."""
    scene.projects.create(DEFAULT, "other", "", {})
    with scene.database.write() as connection:
        protections.insert(connection, replace(PROTECTION, target_project="other"))
    with pytest.raises(BadRequestError, match=r"^Only empty projects can be removed$"):
        scene.projects.delete(DEFAULT, "other")
    with pytest.raises(BadRequestError, match=r"^Only empty projects can be renamed$"):
        scene.projects.rename(DEFAULT, "other", "another")
    assert "/1.0/protections/home-all?project=other" in scene.projects.used_by("other")
    with scene.database.write() as connection:
        protections.delete(connection, "home-all")
    scene.projects.delete(DEFAULT, "other")


@pytest.mark.parametrize("name", ["a_b", "a/b", "", "..", "*", "a" * 101])
def test_project_names(scene: Scene, name: str) -> None:
    with pytest.raises(BadRequestError):
        scene.projects.create(DEFAULT, name, "", {})


def test_features_change_only_while_empty(scene: Scene) -> None:
    scene.projects.create(DEFAULT, "other", "", {})
    scene.add_instance("other", "c1")
    with pytest.raises(BadRequestError, match="empty projects"):
        scene.projects.patch(DEFAULT, "other", config={"features.profiles": "false"})
    assert scene.projects.patch(DEFAULT, "other", description="d", config={"user.x": "y"}).description == "d"


def test_taken_names(scene: Scene) -> None:
    with pytest.raises(ConflictError):
        scene.projects.create(DEFAULT, "default", "", {})
    with pytest.raises(ConflictError, match=r"^The profile already exists$"):
        scene.profiles.create(DEFAULT, "default", "", {}, {})


@pytest.mark.parametrize(
    ("config", "devices", "text"),
    [
        ({"nope": "1"}, {}, "^Unknown configuration key: nope$"),
        ({"volatile.uuid": "x"}, {}, "only be set on instances"),
        ({}, {"x": {"type": "gpu"}}, "Unsupported device type"),
        ({}, {"root": {"type": "disk", "path": "/", "pool": "nosuch"}}, 'Storage pool "nosuch" not found'),
    ],
)
def test_profile_is_checked(
    scene: Scene, config: dict[str, str], devices: dict[str, dict[str, str]], text: str
) -> None:
    with pytest.raises(BadRequestError, match=text):
        scene.profiles.create(DEFAULT, "x", "", config, devices)
    with pytest.raises(BadRequestError, match=text):
        scene.profiles.update(DEFAULT, "default", "", config, devices)


def test_profile_keeps_the_root_disk_of_its_instances(scene: Scene) -> None:
    scene.profiles.update(DEFAULT, "default", "", {}, ROOT)
    scene.add_instance("default", "c1", "default")
    moved = {"root": {**ROOT["root"], "pool": "q"}}
    for devices in ({}, moved):
        with pytest.raises(BadRequestError, match='root disk device: "c1"'):
            scene.profiles.update(DEFAULT, "default", "", {}, devices)
    bigger = {"root": {**ROOT["root"], "size": "5GiB"}}
    before = scene.profiles.get("default", "default")
    heard: list[tuple[Profile, Profile, Sequence[tuple[str, str]]]] = []
    scene.profiles.on_changed(lambda former, profile, users: heard.append((former, profile, users)))
    changed = scene.profiles.update(DEFAULT, "default", "", {}, bigger)
    assert heard == [(before, changed, [("default", "c1")])]


def test_profile_patch_merges(scene: Scene) -> None:
    scene.profiles.update(DEFAULT, "default", "d", {"limits.cpu": "1", "user.x": "1"}, ROOT)
    patched = scene.profiles.patch(DEFAULT, "default", config={"user.x": "", "user.y": "2"})
    assert patched.config == {"limits.cpu": "1", "user.y": "2"}
    assert patched.devices == ROOT
    assert patched.description == "d"


def test_a_profile_takes_no_rule_that_gives_no_snapshot(scene: Scene) -> None:
    with pytest.raises(BadRequestError, match=r"snapshots\.pattern"):
        scene.profiles.create(DEFAULT, "web", "", {"snapshots.pattern": "a/b"}, {})
    scene.profiles.create(DEFAULT, "web", "", {}, {})
    with pytest.raises(BadRequestError, match=r"snapshots\.expiry"):
        scene.profiles.patch(DEFAULT, "web", config={"snapshots.expiry": "99999y"})


def test_profile_rename(scene: Scene) -> None:
    scene.profiles.create(DEFAULT, "x", "", {}, {})
    scene.add_instance("default", "c1", "x")
    with pytest.raises(ConflictError, match="already in use"):
        scene.profiles.rename(DEFAULT, "x", "default")
    scene.profiles.rename(DEFAULT, "x", "y")
    assert scene.profiles.used_by("default", "y") == ["/1.0/instances/c1"]
    with pytest.raises(NotAuthorizedError, match="default profile"):
        scene.profiles.rename(DEFAULT, "default", "z")
    with pytest.raises(NotAuthorizedError, match="default profile"):
        scene.profiles.delete(DEFAULT, "default")


def test_profiles_for_an_instance_in_order(scene: Scene) -> None:
    for name in ("a", "b"):
        scene.profiles.create(DEFAULT, name, "", {}, {})
    assert [profile.name for profile in scene.profiles.for_instance("default", ("b", "a"))] == ["b", "a"]
    with pytest.raises(ProfileNotFoundError):
        scene.profiles.for_instance("default", ("b", "nosuch"))


def test_unknown_server_key_can_not_be_unset(scene: Scene) -> None:
    for change in (scene.server_config.update, scene.server_config.patch):
        with pytest.raises(BadRequestError, match=r"Unknown configuration key: core\.nothing"):
            change(DEFAULT, {"core.nothing": ""})
        change(DEFAULT, {"core.https_address": ""})


def test_server_config(scene: Scene) -> None:
    assert scene.server_config.get("backups.compression_algorithm") == "gzip"
    scene.server_config.patch(DEFAULT, {"backups.compression_algorithm": "zstd", "user.x": "y"})
    scene.server_config.patch(DEFAULT, {"user.x": ""})
    assert scene.server_config.get_all() == {"backups.compression_algorithm": "zstd"}
    scene.server_config.update(DEFAULT, {})
    assert scene.server_config.get_all() == {}
    with pytest.raises(BadRequestError, match="Invalid address"):
        scene.server_config.patch(DEFAULT, {"core.https_address": "host:nothing"})
