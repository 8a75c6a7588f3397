"""Custom volumes in the life of real containers, on every driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import BadRequestError, HoldfastError, NotFoundError
from holdfast.model.instance_changes import InstanceChange
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def world(the_world: World, pool: str) -> Iterator[World]:
    """A container `c1`, stopped, and the volume `v1` shown in it at /data."""
    the_world.create("c1", pool)
    the_world.volume("v1", pool)
    the_world.attach("c1", pool, "v1")
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def test_a_container_writes_and_reads_as_its_own_root(world: World, pool: str) -> None:
    world.power("c1", "start")
    code, text = world.run("c1", "sh", "-c", "echo kept > /data/file && chown 7:8 /data/file && stat -c %u:%g /data")
    assert (code, text) == (0, "0:0\n")
    facts = (world.volume_path("v1", pool) / "file").stat()
    assert (facts.st_uid, facts.st_gid) == (7, 8)  # on the disk as the container sees it
    world.power("c1", "stop")
    world.power("c1", "start")
    assert world.run("c1", "stat", "-c", "%u:%g", "/data/file") == (0, "7:8\n")


def test_a_restore_brings_the_content_back_and_leaves_the_rest(world: World, pool: str) -> None:
    tree = world.volume_path("v1", pool)
    (tree / "file").write_text("old")
    world.volume_snapshot("v1", pool, "one")
    (tree / "file").write_text("new")
    (tree / "other").write_text("more")
    world.volume_snapshot("v1", pool, "two")
    world.services.volumes.restorer.restore(CALLER, pool, "v1", "one")
    assert [(path.name, path.read_text()) for path in tree.iterdir()] == [("file", "old")]
    assert world.volume_snapshots("v1", pool) == ["one", "two"]
    (tree / "file").write_text("writable")
    world.power("c1", "start")
    assert world.run("c1", "cat", "/data/file") == (0, "writable")


def test_what_a_running_container_shows_is_not_pulled_away(world: World, pool: str) -> None:
    world.volume_snapshot("v1", pool, "one")
    world.power("c1", "start")
    services = world.services.volumes
    with pytest.raises(HoldfastError, match="Cannot restore custom volume used by running instances: c1"):
        services.restorer.restore(CALLER, pool, "v1", "one")
    with pytest.raises(HoldfastError, match="Volume is still in use by running instances: c1"):
        services.renamer.rename(CALLER, pool, "v1", "v2")
    with pytest.raises(BadRequestError, match="The storage volume is still in use"):
        services.volumes.delete(CALLER, pool, "v1")


def test_a_rule_that_gives_no_snapshot_is_refused_when_it_is_set(the_world: World) -> None:
    volumes = the_world.services.volumes.volumes
    for pattern in ("a/b", "{{ instance }}"):
        with pytest.raises(BadRequestError, match=r"snapshots\.pattern"):
            the_world.volume("v1", "d", snapshots_pattern=pattern)
    the_world.volume("v1", "d")
    with pytest.raises(BadRequestError, match=r"snapshots\.expiry"):
        volumes.patch(CALLER, "d", "v1", config={"snapshots.expiry": "99999y"})
    volumes.patch(CALLER, "d", "v1", config={"snapshots.pattern": "v%d"})
    the_world.clear()


def test_the_device_follows_a_rename(world: World, pool: str) -> None:
    world.services.volumes.renamer.rename(CALLER, pool, "v1", "v2")
    assert world.services.instances.get("default", "c1").instance.devices["v1"]["source"] == "v2"
    world.power("c1", "start")
    assert world.run("c1", "touch", "/data/x") == (0, "")
    assert (world.volume_path("v2", pool) / "x").exists()


def test_a_missing_volume_is_refused_when_it_is_attached(world: World, pool: str) -> None:
    device = {"type": "disk", "pool": pool, "source": "nosuch", "path": "/x"}
    with pytest.raises(NotFoundError, match='device "d": Failed loading custom volume: Storage volume not found'):
        world.services.instances.patch(CALLER, "c1", InstanceChange(devices={"d": device}))
    assert "d" not in world.services.instances.get("default", "c1").instance.devices


def test_read_only_stays_read_only(world: World, pool: str) -> None:
    world.volume("v2", pool)
    world.attach("c1", pool, "v2", "/ro", readonly="true")
    world.power("c1", "start")
    code, text = world.run("c1", "touch", "/ro/x")
    assert code != 0
    assert "Read-only" in text


def test_a_volume_comes_and_goes_while_the_container_runs(world: World, pool: str) -> None:
    world.power("c1", "start")
    world.volume("v2", pool)
    world.attach("c1", pool, "v2", "/more/deep")
    assert world.run("c1", "sh", "-c", "echo hot > /more/deep/x && stat -c %u /more/deep/x") == (0, "0\n")
    assert (world.volume_path("v2", pool) / "x").read_text() == "hot\n"
    world.detach("c1", "v1")
    world.detach("c1", "v2")
    assert world.run("c1", "sh", "-c", "ls /more/deep /data; grep -c -e /more/deep -e /data /proc/mounts")[1] == (
        "/data:\n\n/more/deep:\n0\n"
    )
    world.services.volumes.volumes.delete(CALLER, pool, "v2")
    world.services.volumes.volumes.delete(CALLER, pool, "v1")
    world.power("c1", "restart")
    assert world.run("c1", "true") == (0, "")


def test_what_can_not_be_mounted_leaves_all_as_it_was(world: World, pool: str) -> None:
    world.power("c1", "start")
    world.volume("v2", pool)
    with pytest.raises(HoldfastError, match="/etc/passwd is a file"):
        world.attach("c1", pool, "v2", "/etc/passwd")
    assert "v2" not in world.services.instances.get("default", "c1").instance.devices
    assert world.run("c1", "sh", "-c", "grep -c /data /proc/mounts") == (0, "1\n")


def test_a_profile_shows_a_volume_at_once(world: World, pool: str) -> None:
    world.power("c1", "start")
    world.volume("v2", pool)
    device = {"type": "disk", "pool": pool, "source": "v2", "path": "/shared"}
    profiles = world.services.profiles
    profiles.patch(CALLER, "default", devices={"v2": device})
    try:
        assert world.run("c1", "touch", "/shared/x") == (0, "")
        view = world.services.volumes.volumes.get("default", pool, "v2")
        assert view.used_by == ("/1.0/instances/c1", "/1.0/profiles/default")
    finally:
        before = profiles.get("default", "default")
        left = {name: each for name, each in before.devices.items() if name != "v2"}
        profiles.update(CALLER, "default", before.description, before.config, left)
    assert world.run("c1", "sh", "-c", "grep -c /shared /proc/mounts")[1] == "0\n"
    assert world.services.volumes.volumes.get("default", pool, "v2").used_by == ()
