"""What could not be ended at once, as its pool was away or its undoing failed, is ended before anyone builds on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import HoldfastError, StorageError
from holdfast.model.kinds import StatusCode
from holdfast.service import backups, delete, instance_building
from holdfast.service.backups import BackupRequest
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from holdfast.service.locks import instance_lock
from holdfast.storage.drivers.dir import DirDriver
from support.world import CALLER, World, furnished_world, owner

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    yield shared_world
    shared_world.clear()
    shared_world.services.recovery.run()  # the next start removes what the failures above kept from being removed


def _left(world: World, kind: str, name: str, **more: object) -> None:
    """Leave an intent as a crash does, at whose next start the pool was not there."""
    payload = {"project": "default", "instance": name, **more}
    world.services.intents.open(kind, payload)


def test_an_old_creation_does_not_take_back_a_new_instance(world: World) -> None:
    _left(world, "instance-create", "c1", pool="d", snapshots=[])
    world.create("c1", "d")
    world.write("c1", "/root/data", "precious")
    world.services.recovery.run()
    assert world.read("c1", "/root/data") == "precious"
    assert world.left_over() == []


def test_an_old_rename_does_not_take_the_volume_of_a_new_instance(world: World) -> None:
    world.create("old", "d")
    _left(world, "instance-rename", "old", new_name="new")
    world.create("new", "d")
    world.write("new", "/root/data", "precious")
    world.services.recovery.run()
    assert world.read("new", "/root/data") == "precious"
    assert world.left_over() == []


def test_a_deletion_that_failed_half_way_is_ended_before_a_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the instance would be deleted at some later start of the server, from under what runs then."""
    world.create("c1", "d")
    with monkeypatch.context() as patch:
        patch.setattr(delete.instances_table, "delete", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.finish(world.services.instances.delete(CALLER, "c1"))
        with pytest.raises(HoldfastError, match="could not be ended yet"):
            world.power("c1", "start")
    with pytest.raises(HoldfastError, match="not found"):
        world.power("c1", "start")
    assert world.left_over() == []


def test_a_deletion_that_failed_before_anything_went_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create("c1", "d")
    with monkeypatch.context() as patch:
        patch.setattr(DirDriver, "withdraw_all", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.finish(world.services.instances.delete(CALLER, "c1"))
    world.services.recovery.run()
    world.power("c1", "start")
    assert world.left_over() == []


def test_an_instance_whose_restore_can_not_be_ended_runs_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create("c1", "d", start=True)
    world.snapshot("c1", "s0")
    with monkeypatch.context() as patch:
        patch.setattr(DirDriver, "swap", _no_pool)
        patch.setattr(DirDriver, "discard", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.finish(world.services.restore.restore(CALLER, "c1", "s0"))
    assert world.services.instances.get("default", "c1").status is StatusCode.RUNNING


def test_threat_record_without_volume_or_volume_without_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(DirDriver, "publish", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.create("c1", "d")
    assert (world.names(), world.left_over()) == (set(), [])
    with monkeypatch.context() as patch:
        patch.setattr(instance_building.instances_table, "insert", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.create("c1", "d")
    assert (world.names(), world.left_over()) == (set(), [])


def test_threat_refresh_that_breaks_off_leaves_the_old_copy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create("c1", "d")
    world.write("c1", "/root/data", "old")
    copy = FromCopy(name="c1", refresh=True)
    request = InstanceRequest(name="c2")
    world.finish(world.services.instances.create(CALLER, request, copy))
    world.write("c1", "/root/data", "new")
    with monkeypatch.context() as patch:
        patch.setattr(DirDriver, "sync", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.finish(world.services.instances.create(CALLER, request, copy))
    assert (world.read("c2", "/root/data"), world.left_over()) == ("old", [])
    world.finish(world.services.instances.create(CALLER, request, copy))
    assert world.read("c2", "/root/data") == "new"


def test_threat_failed_export_leaves_no_file_and_no_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create("c1", "d")
    with monkeypatch.context() as patch:
        patch.setattr(backups, "write_part", _no_pool)
        with pytest.raises(HoldfastError, match="pool is away"):
            world.finish(world.services.backups.create(CALLER, owner("c1"), BackupRequest()))
    assert world.services.backups.list(owner("c1")) == []
    assert list(world.services.paths.incoming.iterdir()) == []
    assert world.services.locks.holder(instance_lock("default", "c1")) is None
    assert world.left_over() == []


def _no_pool(*_: object, **__: object) -> None:
    raise StorageError("the pool is away")
