"""The real services on a scratch directory, without HTTP: pools `d` (dir) and `b` (btrfs) and the image `tiny`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.db import former_states
from holdfast.db import volume_snapshots as volume_snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Database, sqlite_url
from holdfast.model.backup import BackupOwner
from holdfast.model.clock import SystemClock
from holdfast.model.errors import HoldfastError, NotFoundError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode, VolumeType
from holdfast.model.operation import Event, Lifecycle, Operation
from holdfast.model.storage import Volume
from holdfast.model.volume import CustomVolume
from holdfast.runtime.base import FileWrite, Runtime
from holdfast.runtime.lxc.runtime import LxcRuntime
from holdfast.service.caller import Caller
from holdfast.service.container import Services, build_services
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageRequest
from holdfast.service.instance_requests import ExecRequest, FromImage, InstanceRequest
from holdfast.service.paths import Paths
from holdfast.service.volume_requests import VolumeRequest
from holdfast.storage.driver import Driver
from holdfast.storage.registry import DRIVERS
from support.holdfast import short_directory
from support.images import make_tiny_image

CALLER = Caller()
POOLS = ("d", "b")
_WAIT_S = 240.0


def owner(name: str) -> BackupOwner:
    """Return the instance of that name as the owner of export files."""
    return BackupOwner(project="default", name=name)


class PlainRuntime(LxcRuntime):
    """A runtime on a kernel or file systems without idmapped mounts."""

    def can_idmap(self, path: Path) -> bool:
        return False


@dataclass
class World:
    """Services and the events that they published."""

    services: Services
    runtime: Runtime
    events: list[Event] = field(default_factory=list)

    def finish(self, operation: Operation) -> Operation:
        """Wait for an operation and raise what it failed with."""
        ended = self.services.operations.wait(operation.id, _WAIT_S)
        assert ended.status >= StatusCode.SUCCESS, f"{ended.description} still runs after {_WAIT_S} s"
        if ended.status is not StatusCode.SUCCESS:
            raise HoldfastError(ended.error)
        return ended

    def create(self, name: str, pool: str, *, start: bool = False) -> None:
        """Make an instance of the tiny image."""
        request = InstanceRequest(name=name, devices={"root": {"type": "disk", "path": "/", "pool": pool}}, start=start)
        self.finish(self.services.instances.create(CALLER, request, FromImage(alias="tiny")))

    def power(self, name: str, action: str, *, timeout_s: int = 0) -> None:
        self.finish(self.services.power.change(CALLER, name, action, timeout_s))

    def snapshot(self, name: str, snapshot: str) -> None:
        self.finish(self.services.snapshots.create(CALLER, name, snapshot))

    def volume(self, name: str, pool: str, **config: str) -> CustomVolume:
        """Make a volume; `_` in names of keys stands for a dot."""
        keys = {key.replace("_", "."): value for key, value in config.items()}
        return self.services.volumes.volumes.create(CALLER, pool, VolumeRequest(name=name, config=keys))

    def volume_path(self, name: str, pool: str, snapshot: str | None = None) -> Path:
        """Return where a volume's content is on the host."""
        address = Volume(type=VolumeType.CUSTOM, project="default", name=name)
        return self.services.pools.driver(pool).path(address, snapshot)

    def volume_snapshot(self, name: str, pool: str, snapshot: str) -> None:
        self.finish(self.services.volumes.snapshots.create(CALLER, pool, name, snapshot))

    def volume_snapshots(self, name: str, pool: str) -> list[str]:
        views = self.services.volumes.snapshots.list("default", pool, name)
        return [view.snapshot for view in views if view.snapshot is not None]

    def attach(self, instance: str, pool: str, volume: str, path: str = "/data", **more: str) -> None:
        """Add a device of the volume's name."""
        device = {"type": "disk", "pool": pool, "source": volume, "path": path, **more}
        self.services.instances.patch(CALLER, instance, InstanceChange(devices={volume: device}))

    def detach(self, instance: str, device: str) -> None:
        """Remove a device."""
        before = self.services.instances.get("default", instance).instance.devices
        left = {name: each for name, each in before.items() if name != device}
        self.finish(self.services.instances.update(CALLER, instance, InstanceChange(devices=left)))

    def tick(self) -> int:
        """Look at the schedules once, wait for what that started; return how many subjects were worked on."""
        futures = self.services.scheduler.tick()
        for future in futures:
            future.result(_WAIT_S)
        return len(futures)

    def write(self, name: str, path: str, text: str) -> None:
        source = os.memfd_create("content")
        with open(source, "w+b") as file:
            file.write(text.encode())
            file.seek(0)
            self.services.files.write(CALLER, name, FileWrite(path=path), source)

    def read(self, name: str, path: str) -> str | None:
        try:
            _, descriptor = self.services.files.read(CALLER, name, path)
        except NotFoundError:
            return None
        with open(descriptor, encoding="utf-8") as file:
            return file.read()

    def run(self, name: str, *command: str) -> tuple[int, str]:
        """Run a command inside; return its exit code and output."""
        service = self.services.exec
        plan = service.prepare(CALLER, name, ExecRequest(command=command))
        ours, theirs = os.pipe()
        with open(ours, "rb") as output:
            with open(os.devnull, "rb") as null:
                process = service.spawn(plan, null.fileno(), theirs, theirs, is_terminal=False)
            os.close(theirs)
            text = output.read().decode()
        return process.wait(), text

    def names(self) -> set[str]:
        return {view.instance.name for view in self.services.instances.list(None)}

    def snapshots(self, name: str) -> list[str]:
        return [view.snapshot.name for view in self.services.snapshots.list("default", name)]

    def actions(self) -> list[str]:
        """Return the lifecycle actions so far."""
        return [event.body.action for event in self.events if isinstance(event.body, Lifecycle)]

    def clear(self) -> None:
        """Remove all instances and volumes."""
        for view in self.services.instances.list(None):
            name = view.instance.name
            with suppress(HoldfastError):
                self.power(name, "stop")
            with suppress(HoldfastError):
                self.finish(self.services.instances.delete(CALLER, name))
        with self.services.database.read() as connection:
            volumes = volumes_table.list_all(connection)
        for volume in volumes:
            with suppress(HoldfastError):
                self.services.volumes.volumes.delete(Caller(volume.project), volume.pool, volume.name)

    def left_over(self) -> list[str]:
        """Return one line per volume or snapshot without record, record without volume, staged tree, open intent."""
        for operation in self.services.operations.list(None):
            with suppress(NotFoundError):  # it has ended, and is forgotten
                self.services.operations.wait(operation.id, _WAIT_S)  # what is replaced is removed beside
        lines = [f"open intent {intent.kind}" for intent in self.services.intents.list_open()]
        for pool in self.services.pools.list():
            driver = self.services.pools.driver(pool.name)
            with self.services.database.read() as connection:
                states = former_states.list_all(connection)
            tokens = {state.token for state in states if state.pool == pool.name}
            lines += [
                f"former state in {pool.name} only on one side: {name}" for name in tokens ^ set(driver.former_tokens())
            ]
            lines += [f"staged in {pool.name}: {token}" for token in driver.staged_tokens()]
            folders = [driver.mount / "containers", driver.mount / "containers-snapshots"]
            found = {path.name for path in folders[0].iterdir()}
            found |= {f"{path.parent.name}/{path.name}" for path in folders[1].glob("*/*")}
            wanted = set()
            for view in self.services.instances.list(None):
                if view.instance.pool == pool.name:
                    name = view.instance.name
                    wanted |= {name, *(f"{name}/{snapshot}" for snapshot in self.snapshots(name))}
            lines += [f"in {pool.name} only on one side: {name}" for name in sorted(found ^ wanted)]
            lines += self._volumes_left_over(driver)
        return lines

    def _volumes_left_over(self, driver: Driver) -> list[str]:
        folder, taken = driver.mount / "custom", driver.mount / "custom-snapshots"
        found = {path.name for path in folder.iterdir()}
        found |= {f"{path.parent.name}/{path.name}" for path in taken.glob("*/*")}
        wanted = set()
        with self.services.database.read() as connection:
            for volume in volumes_table.list_all(connection, pool=driver.pool.name):
                name = volume.address.storage_name
                snapshots = volume_snapshots_table.list_for(connection, volume)
                wanted |= {name, *(f"{name}/{snapshot.name}" for snapshot in snapshots)}
        return [f"in {driver.pool.name} only on one side: {name}" for name in sorted(found ^ wanted)]


@contextmanager
def open_world(directory: Path, kind: type[LxcRuntime] = LxcRuntime) -> Iterator[World]:
    """Bring the services up on the directory as the daemon does, and down; what runs keeps running."""
    paths = Paths(directory)
    paths.prepare()
    database = Database(sqlite_url(paths.database))
    database.migrate()
    runtime = kind(paths.run)
    events = EventBus()
    services = build_services(
        paths=paths, database=database, events=events, runtime=runtime, drivers=DRIVERS, clock=SystemClock()
    )
    world = World(services, runtime)
    events.subscribe(world.events.append)
    try:
        services.projects.ensure_default()
        services.pools.activate_all()
        services.recovery.run()
        services.clear_leftovers()
        runtime.watch(services.power.on_stopped)
        runtime.track(services.instance_keys())
        yield world
    finally:
        services.scheduler.close()
        services.operations.drain(5)
        services.power.close()
        runtime.close()
        database.close()


def furnish(world: World, scratch: Path, applets: Collection[str] | None = None) -> None:
    """Make the pools and the image, with these commands in it or with all that busybox has."""
    world.services.pools.create(CALLER, "d", "dir", "", {})
    world.services.pools.create(CALLER, "b", "btrfs", "", {"size": "1GiB"})
    image = make_tiny_image(scratch / "tiny.tar.gz", applets=applets)
    request = ImageRequest(aliases=(("tiny", ""),))
    world.finish(world.services.images.add_unified(CALLER, image, request))


@contextmanager
def furnished_world(kind: type[LxcRuntime] = LxcRuntime, applets: Collection[str] | None = None) -> Iterator[World]:
    """A world of its own, of which nothing is left afterwards."""
    scratch = short_directory()
    try:
        with open_world(scratch / "w", kind) as world:
            try:
                furnish(world, scratch, applets)
                yield world
            finally:
                dismantle(world)
    finally:
        shutil.rmtree(scratch)


def dismantle(world: World) -> None:
    """Remove instances, images and pools."""
    world.clear()
    for image in world.services.images.list(None):
        world.finish(world.services.images.delete(CALLER, image.fingerprint))
    for pool in world.services.pools.list():
        world.services.pools.delete(CALLER, pool.name)
