"""`storage.backups_volume`: export files live in a custom volume, move with the key, and nobody else gets at them."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator

import pytest

from holdfast.model.errors import BadRequestError, ConflictError, HoldfastError, VolumeConfigError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import ContentType
from holdfast.model.server_keys import BACKUPS_VOLUME_KEY
from holdfast.service.backups import BackupRequest
from holdfast.service.crashpoints import ALL_POINTS, FAILURE_VARIABLE
from holdfast.service.volume_requests import VolumeMove, VolumeRequest
from support.changes import die
from support.holdfast import short_directory
from support.world import CALLER, World, dismantle, furnish, furnished_world, open_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
POINTS = [point for point in ALL_POINTS if point.startswith("backups-move:")]


@pytest.fixture(scope="module")
def furnished() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(furnished: World) -> Iterator[World]:
    """With the instance `c1`, its export `b`, and the volumes `one` in pool b and `two` in pool d."""
    prepare(furnished)
    yield furnished
    put(furnished, "")
    assert files(furnished) <= {"instances/c1/b", "instances/c1/new"}
    furnished.clear()
    assert furnished.left_over() == []


def prepare(world: World) -> None:
    world.create("c1", "d")
    world.finish(world.services.backups.create(CALLER, owner("c1"), BackupRequest(name="b")))
    world.volume("one", "b")
    world.volume("two", "d")


def put(world: World, value: str) -> None:
    world.services.server_config.patch(CALLER, {BACKUPS_VOLUME_KEY: value})


def files(world: World, volume: str = "", pool: str = "b") -> set[str]:
    """Return the export files in a place; "": the server's own directory."""
    root = world.volume_path(volume, pool) if volume else world.services.paths.backups
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def content(world: World) -> bytes:
    return world.services.backups.path(owner("c1"), "b").read_bytes()


def test_files_move_with_the_key(world: World) -> None:
    before = content(world)
    put(world, "b/one")
    assert (files(world), files(world, "one")) == (set(), {"instances/c1/b"})
    assert content(world) == before
    path = world.services.backups.path(owner("c1"), "b")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    world.finish(world.services.backups.create(CALLER, owner("c1"), BackupRequest(name="new")))
    put(world, "d/two")
    assert (files(world, "one"), list(world.volume_path("one", "b").iterdir())) == (set(), [])
    assert files(world, "two", "d") == {"instances/c1/b", "instances/c1/new"}
    world.services.server_config.update(CALLER, {})
    assert files(world) == {"instances/c1/b", "instances/c1/new"}
    assert content(world) == before


def test_what_follows_an_instance_follows_it_there(world: World) -> None:
    put(world, "b/one")
    world.finish(world.services.instances.rename(CALLER, "c1", "c2"))
    assert files(world, "one") == {"instances/c2/b"}
    world.finish(world.services.backups.rename(CALLER, owner("c2"), "b", "b2"))
    assert files(world, "one") == {"instances/c2/b2"}
    world.finish(world.services.instances.delete(CALLER, "c2"))
    assert files(world, "one") == set()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("x", "Invalid syntax for volume, must be <pool>/<volume>"),
        ("a/b/c", "Invalid syntax for volume"),
        ("/b", "Invalid syntax for volume"),
        ("nopool/v", 'Unable to load storage pool "nopool": Storage pool not found'),
        ("d/none", 'Failed loading storage volume "d/none" in "default" project: Storage volume not found'),
        ("d/../one", "Invalid syntax for volume"),
        ("d/block", "is not filesystem content type"),
        ("d/taken", "cannot have snapshots"),
        ("d/full", "isn't empty"),
        ("d/shown", "is attached"),
    ],
)
def test_what_can_not_be_the_place(world: World, value: str, says: str) -> None:
    request = VolumeRequest(name="block", content_type=ContentType.BLOCK, config={"size": "4MiB"})
    world.services.volumes.volumes.create(CALLER, "d", request)
    for name in ("taken", "full", "shown"):
        world.volume(name, "d")
    world.volume_snapshot("taken", "d", "s")
    (world.volume_path("full", "d") / "file").write_text("x")
    world.attach("c1", "d", "shown")
    with pytest.raises(BadRequestError, match=r"^Failed validation of .storage.backups_volume.: ") as caught:
        put(world, value)
    assert says in str(caught.value)
    assert world.services.server_config.get_all() == {}
    assert files(world) == {"instances/c1/b"}
    world.detach("c1", "shown")


def test_threat_the_volume_is_for_the_server_alone(world: World) -> None:
    """Who could attach it could put a link in the place of a directory that the server writes to."""
    put(world, "b/one")
    volumes = world.services.volumes
    shows = {"one": {"type": "disk", "pool": "b", "source": "one", "path": "/x"}}
    with pytest.raises(VolumeConfigError, match="used by the server itself"):
        world.services.instances.patch(CALLER, "c1", InstanceChange(devices=shows))
    world.services.profiles.create(CALLER, "p", "", {}, shows)
    with pytest.raises(HoldfastError, match="used by the server itself"):
        world.finish(world.services.instances.update(CALLER, "c1", InstanceChange(profiles=("default", "p"))))
    world.services.profiles.delete(CALLER, "p")
    with pytest.raises(HoldfastError, match="Volumes used by the server itself cannot have snapshots"):
        world.volume_snapshot("one", "b", "s")
    with pytest.raises(BadRequestError, match="used by the server itself and cannot be renamed"):
        volumes.renamer.rename(CALLER, "b", "one", "other")
    with pytest.raises(HoldfastError, match="used by the server itself and cannot be moved"):
        world.finish(volumes.mover.move(CALLER, "b", "one", VolumeMove(name="one", pool="d")))
    with pytest.raises(BadRequestError, match="The storage volume is still in use"):
        volumes.volumes.delete(CALLER, "b", "one")
    assert volumes.volumes.get("default", "b", "one").used_by == ("/1.0",)
    assert files(world, "one") == {"instances/c1/b"}


def test_not_while_an_export_is_being_made(world: World) -> None:
    place = world.services.backup_files.place
    with place.using(), pytest.raises(ConflictError, match="Exports are being made"):
        put(world, "b/one")
    waited = threading.Event()

    def work() -> None:
        with place.using():
            waited.set()

    thread = threading.Thread(target=work)
    with place.changing():
        thread.start()
        assert not waited.wait(0.05)
    thread.join(60)
    assert waited.is_set()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_step_fails(world: World, monkeypatch: pytest.MonkeyPatch, point: str, error: str) -> None:
    before = content(world)
    monkeypatch.setenv(FAILURE_VARIABLE, f"{point}={error}")
    with pytest.raises(OSError, match=os.strerror(getattr(errno, error))):
        put(world, "b/one")
    assert FAILURE_VARIABLE not in os.environ
    is_done = point.endswith("recorded")
    assert (files(world), files(world, "one"))[is_done] == {"instances/c1/b"}
    assert (files(world), files(world, "one"))[not is_done] == set()
    assert content(world) == before
    assert world.left_over() == []


def test_a_full_volume_leaves_all_where_it_was(world: World) -> None:
    world.volume("tight", "b", size="1MiB")
    place = world.services.paths.backups / "instances/c1/large"
    place.write_bytes(os.urandom(8 * 2**20))
    with pytest.raises(HoldfastError, match=r"Copying the export files to .* failed: (No space|Disk quota)"):
        put(world, "b/tight")
    assert files(world) == {"instances/c1/b", "instances/c1/large"}
    assert files(world, "tight") == set()
    place.unlink()


@pytest.mark.parametrize("point", POINTS)
def test_kill(point: str) -> None:
    scratch = short_directory()
    with open_world(scratch / "w") as world:
        furnish(world, scratch)
        prepare(world)
        before = content(world)
    die(scratch / "w", "backups-move", "b", point)
    with open_world(scratch / "w") as world:
        try:
            assert content(world) == before
            is_done = point.endswith("recorded")
            assert (files(world), files(world, "one"))[is_done] == {"instances/c1/b"}
            assert (files(world), files(world, "one"))[not is_done] == set()
            assert world.left_over() == []
            put(world, "")
            assert content(world) == before
        finally:
            put(world, "")
            dismantle(world)
    shutil.rmtree(scratch)
