"""Every driver on every kind of place it supports, as one fixture: `driver` is an active, empty pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.host import loops, mounts
from holdfast.host.processes import find_program, run
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool, Volume
from holdfast.storage.driver import Driver
from holdfast.storage.registry import DRIVERS, open_driver

KINDS = ("dir", "dir-on-xfs", "btrfs", "btrfs-path", "zfs")
MIB = 1024**2
C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where pools of one kind are made: a driver's name, what its config says, directories for it."""

    kind: str
    driver: str
    directory: Path
    source: Path | None

    def open(self, config: dict[str, str] | None = None, name: str = "p1") -> Driver:
        """Return a driver that nothing was done with yet."""
        given = {"size": "256MiB"} if self.kind in ("btrfs", "zfs") else {}
        if self.source is not None:
            given["source"] = str(self.source)
        pool = Pool(name=name, driver=self.driver, config=given if config is None else config)
        return open_driver(pool, self.directory / "pools" / name, self.directory / "disks")

    def prepare_source(self) -> None:
        if self.source is not None and self.driver == "dir":
            self.source.mkdir()


def reopened(driver: Driver, config: dict[str, str]) -> Driver:
    """Return a driver as a restarted daemon would make it, from the recorded config."""
    pool = Pool(name=driver.pool.name, driver=driver.pool.driver, config=config)
    return open_driver(pool, driver.mount, driver.disks)


@contextmanager
def file_system(file: Path, target: Path, kind: str, size_bytes: int) -> Iterator[Path]:
    """A file system in a loop file, mounted; unmounted and detached afterwards, whatever happened."""
    with file.open("wb") as image:
        image.truncate(size_bytes)
    run([f"mkfs.{kind}", "-q", file])
    target.mkdir()
    with loops.attached(file) as device:
        mounts.mount(device, target, file_system=kind)
    try:
        yield target
    finally:
        for mount in reversed(mounts.mounted()):
            if mount.target.is_relative_to(target) and mount.target != target:
                mounts.unmount(mount.target)
        mounts.unmount(target)
        file.unlink()


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    kind = str(request.param)
    reason = DRIVERS[kind.partition("-")[0]].check_host()
    if reason is not None:
        pytest.skip(reason)
    return kind


@pytest.fixture(scope="module")
def source_base(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A file system for the pools of one module: btrfs that was full gives back its space only after seconds."""
    base = tmp_path_factory.mktemp(kind)
    with ExitStack() as stack:
        if kind == "dir-on-xfs":
            if find_program("mkfs.xfs") is None:
                pytest.skip("needs mkfs.xfs (package xfsprogs)")
            yield stack.enter_context(file_system(base / "image", base / "mounted", "xfs", 512 * MIB))
        elif kind == "btrfs-path":
            yield stack.enter_context(file_system(base / "image", base / "mounted", "btrfs", 512 * MIB))
        else:
            yield None


@pytest.fixture
def place(kind: str, source_base: Path | None, tmp_path: Path) -> Iterator[Place]:
    source = source_base / tmp_path.name if source_base is not None else None
    yield Place(kind=kind, driver=kind.partition("-")[0], directory=tmp_path, source=source)
    for mount in reversed(mounts.mounted()):
        if mount.target.is_relative_to(tmp_path):
            mounts.unmount(mount.target)


@pytest.fixture
def driver(place: Place) -> Iterator[Driver]:
    """An active pool without volumes; destroyed afterwards."""
    place.prepare_source()
    fresh = place.open()
    made = reopened(fresh, fresh.create())
    yield made
    made.destroy()


@pytest.fixture
def publish(driver: Driver) -> Callable[..., Volume]:
    """Make a volume with one file `content` in it."""

    def make(volume: Volume = C1, text: str = "first") -> Volume:
        path = driver.stage("make-0")
        (path / "content").write_text(text)
        driver.publish("make-0", volume)
        return volume

    return make
