"""A pool whose disk is away: what is refused is not done later, and all goes on once the disk is back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from holdfast.model.backup import BackupOwner
from holdfast.model.errors import HoldfastError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Lifecycle
from holdfast.service.backups import BackupRequest
from support.holdfast import short_directory
from support.world import CALLER, World, dismantle, furnish, open_world

pytestmark = pytest.mark.root

KEPT = BackupOwner(project="default", name="elsewhere")


@pytest.fixture
def scratch() -> Iterator[Path]:
    made = short_directory()
    try:
        with open_world(made / "w") as world:
            _make(world, made)
        yield made
    finally:
        with open_world(made / "w") as world:
            world.services.server_config.patch(CALLER, {"storage.backups_volume": ""})
            dismantle(world)
        shutil.rmtree(made)


def _make(world: World, scratch: Path) -> None:
    """Make the pool `usb` with an instance and a volume that have snapshots, and with all export files."""
    furnish(world, scratch)
    (scratch / "usb").mkdir()
    world.services.pools.create(CALLER, "usb", "dir", "", {"source": str(scratch / "usb")})
    world.create("c1", "usb")
    world.write("c1", "/root/data", "precious")
    world.snapshot("c1", "s0")
    for name in ("v1", "files"):
        world.volume(name, "usb")
    world.volume_snapshot("v1", "usb", "s0")
    world.services.server_config.patch(CALLER, {"storage.backups_volume": "usb/files"})
    world.create("elsewhere", "d")
    world.finish(world.services.backups.create(CALLER, KEPT, BackupRequest(name="file")))
    world.services.pools.driver("usb").deactivate()


@contextmanager
def disk_away(scratch: Path) -> Iterator[None]:
    """Leave an empty mount point where the disk was, and expect it to be empty still."""
    mount_point = scratch / "usb"
    mount_point.rename(scratch / "disk")
    mount_point.mkdir()
    yield
    assert list(mount_point.iterdir()) == []
    mount_point.rmdir()
    (scratch / "disk").rename(mount_point)


def _changes(world: World) -> dict[str, Callable[[], object]]:
    services = world.services
    volumes = services.volumes
    return {
        "delete": lambda: world.finish(services.instances.delete(CALLER, "c1")),
        "delete an instance with export files there": lambda: world.finish(
            services.instances.delete(CALLER, KEPT.name)
        ),
        "delete snapshot": lambda: world.finish(services.snapshots.delete(CALLER, "c1", "s0")),
        "rename snapshot": lambda: world.finish(services.snapshots.rename(CALLER, "c1", "s0", "s1")),
        "restore": lambda: world.finish(services.restore.restore(CALLER, "c1", "s0")),
        "delete volume": lambda: volumes.volumes.delete(CALLER, "usb", "v1"),
        "resize volume": lambda: volumes.volumes.patch(CALLER, "usb", "v1", config={"size": "20MiB"}),
        "rename volume": lambda: volumes.renamer.rename(CALLER, "usb", "v1", "v2"),
        "restore volume": lambda: volumes.restorer.restore(CALLER, "usb", "v1", "s0"),
        "delete volume snapshot": lambda: world.finish(volumes.snapshots.delete(CALLER, "usb", "v1", "s0")),
        "rename volume snapshot": lambda: world.finish(volumes.snapshots.rename(CALLER, "usb", "v1", "s0", "s1")),
        "delete export": lambda: world.finish(services.backups.delete(CALLER, KEPT, "file")),
        "rename export": lambda: world.finish(services.backups.rename(CALLER, KEPT, "file", "other")),
    }


def test_what_is_refused_while_the_disk_is_away_is_not_done_later(scratch: Path) -> None:
    with open_world(scratch / "w") as world:
        before = world.services.pools.used_by("usb")
        world.services.pools.driver("usb").deactivate()
    with disk_away(scratch), open_world(scratch / "w") as world:
        for doing, change in _changes(world).items():
            with pytest.raises(
                HoldfastError, match=f'Storage pool "usb" is unavailable: "{scratch}/usb" doesn\'t hold'
            ):
                change()
            assert world.services.intents.list_open() == [], doing
    with open_world(scratch / "w") as world:
        assert world.services.pools.used_by("usb") == before
        world.power("c1", "start")
        assert world.read("c1", "/root/data") == "precious"
        assert world.volume_snapshots("v1", "usb") == ["s0"]
        assert [each.name for each in world.services.backups.list(KEPT)] == ["file"]
        world.power("c1", "stop")
        assert world.left_over() == []


def test_it_comes_back_without_a_restart(scratch: Path) -> None:
    away = ExitStack()
    away.enter_context(disk_away(scratch))
    with open_world(scratch / "w") as world:
        with pytest.raises(HoldfastError, match="unavailable"):
            world.power("c1", "start")
        away.close()
        world.power("c1", "start")
        assert world.services.pools.status("usb") == "Created"
        world.power("c1", "stop")


def _status(world: World, name: str) -> StatusCode:
    return world.services.instances.get("default", name).status


def _started(world: World) -> list[str]:
    """Return which instances were started, in this order."""
    bodies = [event.body for event in world.events if isinstance(event.body, Lifecycle)]
    return [body.source.rpartition("/")[2] for body in bodies if body.action == "instance-started"]


def test_what_starts_with_the_server_is_started_once_the_disk_is_back(scratch: Path) -> None:
    """In order; not what somebody stopped meanwhile, or wants no more; and not a second time."""
    with open_world(scratch / "w") as world:
        wishes = {"c1": "1", "c2": "3", "elsewhere": "2", "stopped": "0", "unwanted": "0", "here": "0"}
        for name in ("c2", "stopped", "unwanted"):
            world.create(name, "usb")
        world.create("here", "d")
        world.attach("elsewhere", "usb", "v1")
        for name, priority in wishes.items():
            keys = {"boot.autostart": "true", "boot.autostart.priority": priority}
            world.services.instances.patch(CALLER, name, InstanceChange(config=keys))
        world.services.pools.driver("usb").deactivate()
    away = ExitStack()
    away.enter_context(disk_away(scratch))
    with open_world(scratch / "w") as world:
        autostart = world.services.autostart
        world.finish(autostart.begin())
        assert _started(world) == ["here"]
        assert autostart.start_late() is None
        with pytest.raises(HoldfastError, match="already stopped: it is no longer to be started with the server"):
            world.power("stopped", "stop")
        with pytest.raises(HoldfastError, match=r"already stopped$"):
            world.power("stopped", "stop")
        world.services.instances.patch(CALLER, "unwanted", InstanceChange(config={"boot.autostart": "false"}))
        away.close()
        late = autostart.start_late()
        assert late is not None
        world.finish(late)
        assert _started(world) == ["here", "c2", "elsewhere", "c1"]
        world.power("c1", "stop")
        assert autostart.start_late() is None
        assert _status(world, "c1") is StatusCode.STOPPED


def test_what_was_started_and_stopped_by_hand_is_not_started_later(scratch: Path) -> None:
    with open_world(scratch / "w") as world:
        world.power("c1", "start")
        world.services.power.close()  # a server that is down takes no notes: it ran, so it is to run again
        world.runtime.kill("c1")
        world.services.pools.driver("usb").deactivate()
    away = ExitStack()
    away.enter_context(disk_away(scratch))
    with open_world(scratch / "w") as world:
        world.services.autostart.start_all()
        with pytest.raises(HoldfastError, match="unavailable"):
            world.power("c1", "start")
        away.close()
        world.power("c1", "start")
        world.power("c1", "stop")
        assert world.services.autostart.start_late() is None


def test_images_can_be_deleted_while_a_pool_is_away_that_keeps_none(scratch: Path) -> None:
    with disk_away(scratch), open_world(scratch / "w") as world:
        for image in world.services.images.list(None):
            world.finish(world.services.images.delete(CALLER, image.fingerprint))
        assert world.services.images.list(None) == []
