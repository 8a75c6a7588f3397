"""A full disk and a failing device at every call of the storage driver, in every change to volumes.

Each change is made once to count the driver's calls. Then it is made again and again, and the n-th call fails: before
it has done anything (no space), or after it has done its work (the sync that follows fails). Content is then old or
new and never a mix; once what is left has been ended, as a restart or the next work on the volume does, records and
storage agree.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from holdfast.model.errors import HoldfastError, NoSpaceError, StorageError
from holdfast.service.backups import BackupRequest
from holdfast.service.volume_requests import VolumeMove, VolumeRequest, VolumeSource
from holdfast.storage.drivers.btrfs import BtrfsDriver
from holdfast.storage.drivers.dir import DirDriver
from holdfast.streams.growing import ArrivingFile
from support.images import FEW_APPLETS
from support.world import CALLER, POOLS, World, furnished_world, owner

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]

VERBS = ("stage", "sync", "discard", "publish", "publish_snapshot", "swap", "withdraw", "withdraw_all", "rename")
VERBS += ("rename_snapshot", "set_quota", "set_staged_quota", "stage_to_send", "stage_area", "assemble")
OTHER = {"d": "b", "b": "d"}


class Faults:
    """Counts the calls of driver verbs, and lets one of them fail."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.is_late = False
        for kind in (DirDriver, BtrfsDriver):
            for verb in VERBS:
                patch.setattr(kind, verb, self._wrapped(verb, getattr(kind, verb)))

    @contextlib.contextmanager
    def at(self, number: int | None, *, late: bool = False) -> Iterator[None]:
        """Let the call of this number in the body fail, before or after its work."""
        self.calls, self.fail_at, self.is_late = [], number, late
        try:
            yield
        finally:
            self.fail_at = None

    def _wrapped(self, verb: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            number = len(self.calls)
            self.calls.append(verb)
            if number == self.fail_at and not self.is_late:
                raise NoSpaceError(f"No space left on device ({verb}, injected)")
            result = original(*args, **kwargs)
            if number == self.fail_at:
                raise StorageError(f"Input/output error ({verb}, injected)")
            return result

        return call


def _copy(world: World, pool: str, target: str, name: str, *, refresh: bool = False) -> None:
    source = VolumeSource(pool=pool, name="v1", refresh=refresh)
    world.finish(world.services.volumes.copies.copy(CALLER, target, VolumeRequest(name=name), source))


def _file(world: World, pool: str) -> Path:
    return world.services.paths.root / f"with-volumes-{pool}"


def _export(world: World, target: Path, *, optimized_storage: bool = False) -> None:
    wanted = BackupRequest(name="b", with_volumes=True, optimized_storage=optimized_storage, compression="none")
    world.finish(world.services.backups.create(CALLER, owner("c1"), wanted))
    shutil.copy(world.services.backups.path(owner("c1"), "b"), target)
    world.finish(world.services.backups.delete(CALLER, owner("c1"), "b"))


def _import(world: World, file: Path, name: str) -> None:
    """Bring a file with "old" in it, its volumes under new names: in the place of `c1`, or beside it."""
    spool = world.services.paths.incoming / f"upload-{os.urandom(4).hex()}"
    shutil.copy(file, spool)
    devices = {volume: {"source": f"{volume}-new"} for volume in ("v1", "v2")}
    service, is_replacing = world.services.imports, name == "c1"
    world.finish(service.restore_file(CALLER, ArrivingFile(spool), name, devices=devices, is_replacing=is_replacing))


ACTIONS: dict[str, Callable[[World, str], object]] = {
    "create": lambda world, pool: world.volume("new", pool, size="10MiB"),
    "copy": lambda world, pool: _copy(world, pool, pool, "new"),
    "copy to a pool": lambda world, pool: _copy(world, pool, OTHER[pool], "new"),
    "refresh": lambda world, pool: _copy(world, pool, pool, "mirror", refresh=True),
    "resize": lambda world, pool: world.services.volumes.volumes.patch(CALLER, pool, "v1", config={"size": "20MiB"}),
    "rename": lambda world, pool: world.services.volumes.renamer.rename(CALLER, pool, "v1", "new"),
    "move": lambda world, pool: world.finish(
        world.services.volumes.mover.move(CALLER, pool, "v1", VolumeMove(pool=OTHER[pool]))
    ),
    "delete": lambda world, pool: world.services.volumes.volumes.delete(CALLER, pool, "mirror"),
    "snapshot": lambda world, pool: world.volume_snapshot("v1", pool, "two"),
    "snapshot rename": lambda world, pool: world.finish(
        world.services.volumes.snapshots.rename(CALLER, pool, "v1", "one", "uno")
    ),
    "snapshot delete": lambda world, pool: world.finish(
        world.services.volumes.snapshots.delete(CALLER, pool, "v1", "one")
    ),
    "restore": lambda world, pool: world.services.volumes.restorer.restore(CALLER, pool, "v1", "one"),
    "set snapshot": lambda world, pool: world.finish(world.services.volumes.sets.snapshot(CALLER, "c1", "two")),
    "set restore": lambda world, pool: world.finish(world.services.volumes.set_restorer.restore(CALLER, "c1", "one")),
    "export with volumes": lambda world, pool: _export(world, _file(world, pool).with_suffix(".other")),
    "import with volumes": lambda world, pool: _import(world, _file(world, pool), "c2"),
    "import streams with volumes": lambda world, pool: _import(world, _file(world, pool).with_suffix(".streams"), "c2"),
    "replace with volumes": lambda world, pool: _import(world, _file(world, pool), "c1"),
}


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world(applets=FEW_APPLETS) as world:
        yield world


@pytest.fixture
def faults() -> Iterator[Faults]:
    with pytest.MonkeyPatch.context() as patch:
        yield Faults(patch)


def _prepare(world: World, pool: str) -> None:
    """`c1` shows `v1` of the pool and `v2` of the other; all have "old" in the set `one` and "new" now."""
    world.clear()
    world.create("c1", pool)
    for name, place in (("v1", pool), ("v2", OTHER[pool])):
        world.volume(name, place)
        world.attach("c1", place, name, f"/{name}")
    _write(world, pool, "old")
    world.finish(world.services.volumes.sets.snapshot(CALLER, "c1", "one"))
    if not _file(world, pool).exists():
        _export(world, _file(world, pool))
        _export(world, _file(world, pool).with_suffix(".streams"), optimized_storage=True)
    _copy(world, pool, pool, "mirror")
    _write(world, pool, "new")


def _write(world: World, pool: str, text: str) -> None:
    world.write("c1", "/root/x", text)
    for name, place in (("v1", pool), ("v2", OTHER[pool])):
        (world.volume_path(name, place) / "x").write_text(text)


def _contents(world: World) -> tuple[str | None, ...]:
    """Return what the instance and the two volumes hold, wherever its devices say that they are."""
    devices = world.services.instances.get("default", "c1").instance.devices
    shown = [world.volume_path(devices[name]["source"], devices[name]["pool"]) / "x" for name in ("v1", "v2")]
    return world.read("c1", "/root/x"), *(path.read_text() for path in shown)


@pytest.mark.long
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_failure_at_every_call(the_world: World, faults: Faults, pool: str, action: str) -> None:
    world = the_world
    _prepare(world, pool)
    with faults.at(None):
        ACTIONS[action](world, pool)
    verbs = list(faults.calls)
    assert verbs
    for number, verb in enumerate(verbs):
        for late in (False, True):
            _prepare(world, pool)
            with faults.at(number, late=late), contextlib.suppress(HoldfastError):
                ACTIONS[action](world, pool)
            world.services.recovery.run()
            where = f"{action}: {verb} ({number}) failed {'after' if late else 'before'} its work"
            assert world.left_over() == [], where
            _check(world, action, where)
    world.clear()
    print(f"{action} on {pool}: {2 * len(verbs)} injected failures")


def _check(world: World, action: str, where: str) -> None:
    contents = _contents(world)
    if action in ("set restore", "replace with volumes"):
        assert set(contents) in ({"old"}, {"new"}), where
    elif action == "restore":
        assert contents[1] in ("old", "new"), where
        assert {contents[0], contents[2]} == {"new"}, where
    else:
        assert set(contents) == {"new"}, where
