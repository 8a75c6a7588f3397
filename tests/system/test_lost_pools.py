"""A pool whose disk is lost for good: by force, and only then, the records of what was in it go, and are free again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.db import instances as instances_table
from holdfast.db import profiles as profiles_table
from holdfast.host.mounts import unmount
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import BadRequestError, HoldfastError, PoolNotFoundError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.profile import Profile
from holdfast.service.backups import BackupRequest
from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.world import CALLER, World, dismantle, furnish, open_world

pytestmark = pytest.mark.root


@pytest.fixture(params=["directory", "file"])
def scratch(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Make a pool `lost` with an instance and a volume, both with snapshots, and lose what holds it."""
    made = short_directory()
    try:
        with open_world(made / "w") as world:
            furnish(world, made)
            _fill(world, made, str(request.param))
            world.services.pools.driver("lost").deactivate()
        _lose(made)
        yield made
    finally:
        with open_world(made / "w") as world:
            with suppress(PoolNotFoundError):
                world.services.lost_pools.delete(CALLER, "lost")
            dismantle(world)
        shutil.rmtree(made)


def _fill(world: World, scratch: Path, kind: str) -> None:
    if kind == "directory":
        (scratch / "disk").mkdir()
        world.services.pools.create(CALLER, "lost", "dir", "", {"source": str(scratch / "disk")})
    else:
        world.services.pools.create(CALLER, "lost", "btrfs", "", {"size": "256MiB"})
    world.create("c1", "lost")
    world.snapshot("c1", "s0")
    world.volume("v1", "lost")
    world.volume_snapshot("v1", "lost", "s0")
    world.attach("c1", "lost", "v1")
    world.create("other", "d")


def _lose(scratch: Path) -> None:
    disk = scratch / "disk"
    if disk.exists():
        shutil.rmtree(disk)
        disk.mkdir()
    else:
        (scratch / "w" / "disks" / "lost.img").unlink()


def _force(world: World) -> None:
    world.services.lost_pools.delete(CALLER, "lost")


def test_the_records_go_by_force_and_their_names_are_free(scratch: Path) -> None:
    with open_world(scratch / "w") as world:
        world.services.intents.open(
            "restore", {"project": "default", "instance": "c1", "snapshot": "s0", "keep_until": None}
        )
        world.services.intents.open(
            "volume-restore", {"project": "default", "pool": "lost", "volume": "v1", "snapshot": "s0"}
        )
        with pytest.raises(HoldfastError, match="unavailable"):
            world.finish(world.services.instances.delete(CALLER, "c1"))
        with pytest.raises(BadRequestError) as refused:
            world.services.pools.delete(CALLER, "lost")
        for part in (
            "storage delete lost --force",
            "instances/c1, instances/c1/snapshots/s0, ",
            "custom/v1/snapshots/s0",
        ):
            assert part in str(refused.value)
        assert world.names() == {"c1", "other"}
        _force(world)
        assert world.names() == {"other"}
        assert [pool.name for pool in world.services.pools.list()] == ["b", "d"]
        assert world.services.warnings.list(None) == []
        assert not world.services.paths.pool("lost").exists()
        world.create("c1", "d")
        world.power("c1", "start")
        world.power("c1", "stop")
        assert world.left_over() == []


def test_what_is_protected_or_would_dangle_is_refused_and_nothing_goes(scratch: Path) -> None:
    with open_world(scratch / "w") as world:
        services = world.services

        def is_refused(text: str) -> None:
            with pytest.raises(BadRequestError, match=text):
                _force(world)
            assert world.names() == {"c1", "other"}

        services.instances.patch(CALLER, "c1", InstanceChange(config={"security.protection.delete": "true"}))
        is_refused("c1 is protected from being deleted")
        services.instances.patch(CALLER, "c1", InstanceChange(config={"security.protection.delete": "false"}))
        root = {"type": "disk", "path": "/", "pool": "lost"}
        with services.database.write() as connection:
            profiles_table.insert(connection, Profile(project="default", name="x", devices={"root": root}))
        is_refused("profile x of project default has a disk in it")
        services.profiles.delete(CALLER, "x")
        _force(world)
        assert world.names() == {"other"}


def test_export_files_are_not_lost_with_the_records(scratch: Path) -> None:
    with open_world(scratch / "w") as world:
        owner = BackupOwner(project="default", name="other")
        world.finish(world.services.backups.create(CALLER, owner, BackupRequest(name="file")))
        _move_record(world, "other", "lost")
        with pytest.raises(BadRequestError, match=r"export files of other \(file\): fetch what is needed"):
            _force(world)
        world.finish(world.services.backups.delete(CALLER, owner, "file"))
        _move_record(world, "other", "d")
        _force(world)


def test_a_pool_that_is_there_is_not_forced(scratch: Path) -> None:
    with open_world(scratch / "w") as world:
        with pytest.raises(BadRequestError, match='"d" is available'):
            world.services.lost_pools.delete(CALLER, "d")
        assert world.names() == {"c1", "other"}


def _move_record(world: World, name: str, pool: str) -> None:
    """Let the record say that the instance is in a pool; it has its export file from a time when that was there."""
    with world.services.database.write() as connection:
        found = instances_table.get(connection, "default", name)
        assert found is not None
        instances_table.update(connection, replace(found, pool=pool))


def test_the_command_tells_of_it_and_of_the_remedy(tmp_path: Path) -> None:
    source, directory = tmp_path / "disk", short_directory()
    source.mkdir()
    with HoldfastServer(directory / "d", with_pools=False) as server:
        cli = Cli(server.socket)
        cli.run("storage", "create", "p", "dir", f"source={source}")
        cli.run("storage", "volume", "create", "p", "v")
        assert 'pool "p" is available' in cli.fails("storage", "delete", "p", "--force")
        server.stop()
        unmount(server.directory / "storage-pools" / "p")
        shutil.rmtree(source)
        source.mkdir()
        server.start()
        assert "UNAVAILABLE" in cli.run("storage", "list")
        (warning,) = json.loads(cli.run("warning", "list", "--format", "json"))
        assert (warning["type"], warning["severity"]) == ("Storage pool unavailable", "high")
        assert f'"{source}" doesn\'t hold this pool: mount the disk' in warning["last_message"]
        assert "(1): storage-pools/p/volumes/custom/v" in cli.fails("storage", "delete", "p")
        told = cli.run("storage", "delete", "p", "--force")
        assert told.splitlines() == ["Storage pool p deleted", "Records removed of volumes: p/custom/v"]
        assert json.loads(cli.run("storage", "list", "--format", "json")) == []
        assert json.loads(cli.run("warning", "list", "--format", "json")) == []
    shutil.rmtree(directory)
