"""Where volumes are and who has them: projects, pools, sizes, owners, expiry, copies and their refresh."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from holdfast.model.clock import SystemClock
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    HoldfastError,
    NotFoundError,
    StorageError,
    VolumeNotFoundError,
)
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import ContentType, StatusCode
from holdfast.service.caller import Caller
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from holdfast.service.volume_requests import VolumeMove, VolumeRequest, VolumeSource
from holdfast.storage.drivers.dir import DirDriver
from support.world import CALLER, POOLS, PlainRuntime, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
MIB = 1 << 20


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World) -> Iterator[World]:
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def _copy(world: World, pool: str, name: str, source: VolumeSource) -> None:
    copies = world.services.volumes.copies
    world.finish(copies.copy(CALLER, pool, VolumeRequest(name=name), source))


@pytest.mark.parametrize(("pool", "other"), [("d", "d"), ("b", "b"), ("d", "b"), ("b", "d")])
def test_a_copy_is_brought_up_to_date(world: World, pool: str, other: str) -> None:
    world.volume("v1", pool)
    tree = world.volume_path("v1", pool)
    for name in ("one", "two"):
        (tree / "file").write_text(name)
        world.volume_snapshot("v1", pool, name)
    source = VolumeSource(pool=pool, name="v1")
    _copy(world, other, "v2", source)
    assert world.volume_snapshots("v2", other) == ["one", "two"]
    assert (world.volume_path("v2", other, "one") / "file").read_text() == "one"
    (tree / "file").write_text("three")
    world.volume_snapshot("v1", pool, "three")
    world.finish(world.services.volumes.snapshots.delete(CALLER, pool, "v1", "one"))
    with pytest.raises(ConflictError, match="Volume by that name already exists"):
        _copy(world, other, "v2", source)
    refreshing = VolumeSource(pool=pool, name="v1", refresh=True)
    _copy(world, other, "v2", refreshing)
    assert world.volume_snapshots("v2", other) == ["two", "three"]
    assert (world.volume_path("v2", other) / "file").read_text() == "three"
    _copy(world, other, "v3", VolumeSource(pool=pool, name="v1", snapshot="two"))
    assert (world.volume_path("v3", other) / "file").read_text() == "two"
    assert world.volume_snapshots("v3", other) == []
    assert (world.volume_path("v3", other).stat().st_mode & 0o777) == 0o711


@pytest.mark.parametrize("pool", POOLS)
def test_a_refresh_can_keep_what_only_the_copy_has(world: World, pool: str) -> None:
    snapshots = world.services.volumes.snapshots
    world.volume("v1", pool)
    for name in ("gone", "again"):
        (world.volume_path("v1", pool) / "file").write_text(name)
        world.volume_snapshot("v1", pool, name)
    _copy(world, pool, "v2", VolumeSource(pool=pool, name="v1"))
    world.volume_snapshot("v2", pool, "own")
    world.finish(snapshots.delete(CALLER, pool, "v1", "gone"))
    (world.volume_path("v1", pool) / "file").write_text("latest")
    refresh = VolumeSource(pool=pool, name="v1", refresh=True, keep_snapshots=True)
    _copy(world, pool, "v2", refresh)
    assert world.volume_snapshots("v2", pool) == ["gone", "again", "own"]
    assert (world.volume_path("v2", pool) / "file").read_text() == "latest"
    world.finish(snapshots.delete(CALLER, pool, "v1", "again"))
    world.volume_snapshot("v1", pool, "again")
    with pytest.raises(HoldfastError, match=f"`holdfast storage volume rename {pool} v2/again v2/again-own`"):
        _copy(world, pool, "v2", refresh)
    world.finish(snapshots.rename(CALLER, pool, "v2", "again", "again-own"))
    _copy(world, pool, "v2", refresh)
    assert world.volume_snapshots("v2", pool) == ["gone", "again-own", "own", "again"]
    for name in ("gone", "again-own"):
        assert (world.volume_path("v2", pool, name) / "file").read_text() == name.removesuffix("-own")


@pytest.mark.parametrize("pool", POOLS)
def test_a_block_volume_is_one_sparse_file(world: World, pool: str) -> None:
    service = world.services.volumes.volumes
    service.create(CALLER, pool, VolumeRequest(name="disk", content_type=ContentType.BLOCK))
    disk = world.volume_path("disk", pool) / "root.img"
    assert (disk.stat().st_size, disk.stat().st_mode & 0o777) == (10 * 1024 * MIB, 0o600)
    assert disk.stat().st_blocks * 512 < MIB
    service.patch(CALLER, pool, "disk", config={"size": "11GiB"})
    assert disk.stat().st_size == 11 * 1024 * MIB
    with pytest.raises(BadRequestError, match="Block volumes cannot be shrunk"):
        service.patch(CALLER, pool, "disk", config={"size": "1GiB"})
    assert service.get("default", pool, "disk").config["size"] == "11GiB"
    world.volume_snapshot("disk", pool, "one")
    _copy(world, pool, "disk2", VolumeSource(pool=pool, name="disk"))
    assert (world.volume_path("disk2", pool) / "root.img").stat().st_blocks * 512 < MIB
    world.create("c1", pool)
    with pytest.raises(HoldfastError, match="Custom block volumes cannot be used on containers"):
        world.attach("c1", pool, "disk")


@pytest.mark.parametrize("pool", POOLS)
def test_a_disk_has_the_size_of_its_volume_after_a_restore_and_a_refresh(world: World, pool: str) -> None:
    service = world.services.volumes.volumes
    service.create(CALLER, pool, VolumeRequest(name="disk", content_type=ContentType.BLOCK, config={"size": "1MiB"}))
    disk = world.volume_path("disk", pool) / "root.img"
    disk.write_bytes(b"old" * 1000 + bytes(MIB - 3000))
    world.volume_snapshot("disk", pool, "small")
    _copy(world, pool, "copy", VolumeSource(pool=pool, name="disk"))
    service.patch(CALLER, pool, "copy", config={"size": "3MiB"})
    service.patch(CALLER, pool, "disk", config={"size": "2MiB"})
    world.services.volumes.restorer.restore(CALLER, pool, "disk", "small")
    assert disk.read_bytes() == b"old" * 1000 + bytes(2 * MIB - 3000)
    with pytest.raises(BadRequestError, match="Block volumes cannot be shrunk"):
        service.patch(CALLER, pool, "disk", config={"size": "1MiB"})
    _copy(world, pool, "copy", VolumeSource(pool=pool, name="disk", refresh=True))
    copied = world.volume_path("copy", pool) / "root.img"
    assert copied.read_bytes() == b"old" * 1000 + bytes(3 * MIB - 3000)


def test_a_size_is_enforced_also_after_a_restore_and_a_copy(world: World) -> None:
    world.volume("v1", "b", size="5MiB")
    world.create("c1", "b", start=True)
    world.attach("c1", "b", "v1")
    too_much = ("c1", "sh", "-c", "dd if=/dev/zero of=/data/big bs=1048576 count=8 && sync")
    assert world.run(*too_much)[0] != 0
    usage = world.services.volumes.volumes.usage("default", "b", "v1")
    assert usage.total_bytes == 5 * MIB
    world.services.volumes.volumes.patch(CALLER, "b", "v1", config={"size": "20MiB"})
    assert world.run(*too_much)[0] == 0
    world.run("c1", "rm", "/data/big")
    world.services.volumes.volumes.patch(CALLER, "b", "v1", config={"size": "5MiB"})
    world.volume_snapshot("v1", "b", "one")
    world.detach("c1", "v1")
    world.services.volumes.restorer.restore(CALLER, "b", "v1", "one")
    world.attach("c1", "b", "v1")
    assert world.run(*too_much)[0] != 0


def test_projects_have_their_own_volumes_or_the_default_ones(world: World) -> None:
    projects, volumes = world.services.projects, world.services.volumes.volumes
    projects.create(CALLER, "own", "", {})
    projects.create(CALLER, "tenant", "", {"features.storage.volumes": "false"})
    try:
        world.volume("v1", "d")
        volumes.create(Caller("own"), "d", VolumeRequest(name="v1"))
        assert volumes.get("own", "d", "v1").volume.project == "own"
        assert volumes.get("tenant", "d", "v1").volume.project == "default"
        with pytest.raises(BadRequestError, match="Only empty projects can be removed"):
            projects.delete(CALLER, "own")
        mover = world.services.volumes.mover
        world.finish(mover.move(Caller("own"), "d", "v1", VolumeMove(name="v2", project="default")))
        with pytest.raises(VolumeNotFoundError):
            volumes.get("own", "d", "v1")
        assert volumes.get("default", "d", "v2").volume.project == "default"
        projects.delete(CALLER, "own")
    finally:
        projects.delete(CALLER, "tenant")


def test_what_is_used_does_not_go_to_another_project(world: World) -> None:
    world.services.projects.create(CALLER, "own", "", {})
    try:
        world.volume("v1", "d")
        world.create("c1", "d")
        world.attach("c1", "d", "v1")
        with pytest.raises(BadRequestError, match="detach it before it goes to another project"):
            world.services.volumes.mover.move(CALLER, "d", "v1", VolumeMove(project="own"))
    finally:
        world.services.projects.delete(CALLER, "own")


def test_a_pool_with_volumes_stays(world: World) -> None:
    world.volume("v1", "d")
    with pytest.raises(BadRequestError, match="The storage pool is currently in use"):
        world.services.pools.delete(CALLER, "d")


def test_what_is_past_its_time_goes_and_what_is_held_stays(world: World) -> None:
    world.volume("v1", "d")
    service = world.services.volumes.snapshots
    for name in ("old", "held", "kept"):
        world.volume_snapshot("v1", "d", name)
    past = SystemClock().now() - timedelta(seconds=1)
    for name in ("old", "held"):
        service.update(CALLER, "d", "v1", name, expires=past)
    service.update(CALLER, "d", "v1", "held", is_held=True)
    assert world.tick() == 1
    assert world.volume_snapshots("v1", "d") == ["held", "kept"]
    assert world.tick() == 0
    assert "storage-volume-snapshot-deleted" in world.actions()
    service.update(CALLER, "d", "v1", "held", is_held=False)


def test_unmapped_owners_are_those_of_the_disk(world: World) -> None:
    world.volume("v1", "d", security_unmapped="true")
    (world.volume_path("v1", "d") / "file").write_text("x")
    world.create("c1", "d", start=True)
    world.attach("c1", "d", "v1")
    code, text = world.run("c1", "stat", "-c", "%u", "/data/file")
    assert (code, text) == (0, "65534\n")


def test_a_privileged_container_sees_the_same_owners(world: World) -> None:
    world.volume("v1", "d")
    world.create("c1", "d")
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"security.privileged": "true"}))
    world.attach("c1", "d", "v1")
    world.power("c1", "start")
    assert world.run("c1", "sh", "-c", "touch /data/x; chown 5:6 /data/x; stat -c %u /data/x") == (0, "5\n")
    assert (world.volume_path("v1", "d") / "x").stat().st_uid == 5


def test_a_copy_of_an_instance_shares_its_volumes(world: World) -> None:
    world.volume("v1", "d")
    world.create("c1", "d")
    world.attach("c1", "d", "v1")
    world.finish(world.services.instances.create(CALLER, InstanceRequest(name="c2"), FromCopy(name="c1")))
    for name in ("c1", "c2"):
        world.power(name, "start")
    world.run("c1", "sh", "-c", "echo shared > /data/x")
    assert world.run("c2", "cat", "/data/x") == (0, "shared\n")


GONE = 'device "v1": Failed loading custom volume: Storage volume not found'


@pytest.fixture
def bereft(world: World) -> World:
    """A container `c1` with a snapshot `one`, whose volume is gone since."""
    world.volume("v1", "d")
    world.create("c1", "d")
    world.attach("c1", "d", "v1")
    world.write("c1", "/root/x", "old")
    world.snapshot("c1", "one")
    world.detach("c1", "v1")
    world.write("c1", "/root/x", "new")
    world.services.volumes.volumes.delete(CALLER, "d", "v1")
    return world


def test_a_restore_brings_the_content_back_without_a_volume_that_is_gone(bereft: World) -> None:
    bereft.finish(bereft.services.restore.restore(CALLER, "c1", "one"))
    assert bereft.read("c1", "/root/x") == "old"
    with pytest.raises(HoldfastError, match=GONE):
        bereft.power("c1", "start")
    bereft.detach("c1", "v1")
    bereft.power("c1", "start")
    bereft.power("c1", "stop")
    bereft.finish(bereft.services.restore.undo(CALLER, "c1"))
    assert bereft.read("c1", "/root/x") == "new"


def test_a_running_instance_that_could_not_be_started_again_is_not_restored(bereft: World) -> None:
    bereft.power("c1", "start")
    with pytest.raises(HoldfastError, match=f"{GONE}.* stop c1 "):
        bereft.finish(bereft.services.restore.restore(CALLER, "c1", "one"))
    assert bereft.runtime.status("c1") is StatusCode.RUNNING
    assert bereft.read("c1", "/root/x") == "new"


def test_a_volume_that_need_not_be_there_keeps_no_running_instance_from_a_restore(world: World) -> None:
    world.volume("v1", "d")
    world.create("c1", "d", start=True)
    world.attach("c1", "d", "v1", required="false")
    world.snapshot("c1", "one")
    world.detach("c1", "v1")
    world.services.volumes.volumes.delete(CALLER, "d", "v1")
    world.finish(world.services.restore.restore(CALLER, "c1", "one"))
    assert world.runtime.status("c1") is StatusCode.RUNNING


def test_a_copy_of_a_snapshot_whose_volume_is_gone(bereft: World) -> None:
    """It has the content and the device; a device that is asked for with the copy is checked as ever."""
    create = bereft.services.instances.create
    bereft.finish(create(CALLER, InstanceRequest(name="c2"), FromCopy(name="c1", snapshot="one")))
    assert bereft.read("c2", "/root/x") == "old"
    with pytest.raises(HoldfastError, match=GONE):
        bereft.power("c2", "start")
    bereft.detach("c2", "v1")
    bereft.power("c2", "start")
    other = {"v1": {"type": "disk", "pool": "d", "source": "nosuch", "path": "/data"}}
    with pytest.raises(HoldfastError, match='"nosuch" in "d"'):
        bereft.finish(create(CALLER, InstanceRequest(name="c3", devices=other), FromCopy(name="c1", snapshot="one")))


def test_a_profile_can_only_show_what_is_there(world: World) -> None:
    device = {"type": "disk", "pool": "d", "source": "nosuch", "path": "/x"}
    with pytest.raises(NotFoundError, match='"x": Storage volume not found: "nosuch" in "d"'):
        world.services.profiles.patch(CALLER, "default", devices={"x": device})


def test_owners_that_can_not_be_mapped_are_told_before_the_start() -> None:
    with furnished_world(PlainRuntime) as world:
        world.volume("v1", "d")
        world.create("c1", "d")
        world.attach("c1", "d", "v1")
        with pytest.raises(HoldfastError, match=r"no idmapped mounts.*security\.unmapped=true"):
            world.power("c1", "start")
        world.services.volumes.volumes.patch(CALLER, "d", "v1", config={"security.unmapped": "true"})
        world.power("c1", "start")
        world.clear()
        assert world.left_over() == []


def test_a_deletion_that_has_done_nothing_is_not_carried_out_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.volume("v1", "d")
    monkeypatch.setattr(DirDriver, "withdraw_all", _fail)
    with pytest.raises(StorageError):
        world.services.volumes.volumes.delete(CALLER, "d", "v1")
    monkeypatch.undo()
    assert world.services.intents.list_open() == []
    world.create("c1", "d")
    world.attach("c1", "d", "v1")


def test_what_was_left_of_a_volume_is_ended_before_it_is_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.volume("v1", "d")
    world.create("c1", "d")
    for verb in ("publish_snapshot", "discard"):
        monkeypatch.setattr(DirDriver, verb, _fail)
    with pytest.raises(HoldfastError, match="injected"):
        world.volume_snapshot("v1", "d", "one")
    with pytest.raises(ConflictError, match='A former "volume-snapshot-create" could not be ended yet'):
        world.attach("c1", "d", "v1")
    monkeypatch.undo()
    world.attach("c1", "d", "v1")
    assert world.services.intents.list_open() == []


def _fail(*_: object) -> None:
    raise StorageError("Input/output error (injected)")


def test_a_snapshot_on_dir_of_a_volume_in_use_does_not_stop_its_users(world: World) -> None:
    world.volume("v1", "d")
    world.create("c1", "d", start=True)
    world.attach("c1", "d", "v1")
    world.run("c1", "sh", "-c", "echo x > /data/x")
    world.volume_snapshot("v1", "d", "one")
    assert world.run("c1", "cat", "/data/x") == (0, "x\n")
    assert (world.volume_path("v1", "d", "one") / "x").read_text() == "x\n"
