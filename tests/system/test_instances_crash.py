"""A process that dies at a named point of a change to an instance: the next one finds everything whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.kinds import StatusCode
from holdfast.service.crashpoints import ALL_POINTS, VARIABLE
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from support.crash_child import act, runtime_of
from support.holdfast import short_directory
from support.world import CALLER, POOLS, World, dismantle, furnish, open_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]

KINDS = {
    "create": "instance-create",
    "copy": "instance-create",
    "refresh": "instance-refresh",
    "delete": "instance-delete",
    "rename": "instance-rename",
    "move": "instance-move",
    "snapshot": "snapshot-create",
    "snapshot-rename": "snapshot-rename",
    "snapshot-delete": "snapshot-delete",
    "restore": "restore",
    "undo": "restore",
    "shift": "instance-shift",
}
CASES = [
    pytest.param(action, point, id=f"{action}-{point.partition(':')[2]}")
    for action, kind in KINDS.items()
    for point in ALL_POINTS
    if point.partition(":")[0] == kind
]
RUNNING_CASES = (
    "snapshot-create:intent",
    "snapshot-create:staged",
    "restore:synced",
    "restore:swapped",
    "restore:kept",
)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    scratch = short_directory()
    directory = scratch / "w"
    with open_world(directory) as world:
        furnish(world, scratch)
    yield directory
    with open_world(directory) as world:
        dismantle(world)
    shutil.rmtree(scratch)


def _prepare(world: World, pool: str, action: str, *, start: bool = False) -> None:
    world.clear()
    world.create("victim", pool)
    world.write("victim", "/root/data", "old")
    world.snapshot("victim", "one")
    if action == "refresh":
        world.finish(world.services.instances.create(CALLER, InstanceRequest(name="source"), FromCopy(name="victim")))
        world.write("source", "/root/data", "latest")
        world.snapshot("source", "fresh")
        world.snapshot("victim", "obsolete")
    world.write("victim", "/root/data", "new")
    if action == "undo":
        world.finish(world.services.restore.restore(CALLER, "victim", "one"))
        world.write("victim", "/root/data", "later")
    if start:
        world.power("victim", "start")


def _die(directory: Path, action: str, pool: str, point: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "support.crash_child", directory, action, pool],
        env={**os.environ, VARIABLE: point, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, f"{point} was not reached: {done.stderr[-2000:]}"


@pytest.mark.long
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("action", "point"), CASES)
def test_death_leaves_nothing_half_there(directory: Path, pool: str, action: str, point: str) -> None:
    with open_world(directory) as world:
        _prepare(world, pool, action)
    _die(directory, action, pool, point)
    with open_world(directory, runtime_of(action)) as world:
        assert world.left_over() == []
        _check_whole(world, action)
        if not _is_done(world, action, pool):
            act(world, action, pool)
        assert _is_done(world, action, pool)
        assert world.left_over() == []


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("point", RUNNING_CASES)
def test_death_with_a_running_instance(directory: Path, pool: str, point: str) -> None:
    action = point.partition(":")[0].removesuffix("-create")
    with open_world(directory) as world:
        _prepare(world, pool, action, start=True)
    _die(directory, action, pool, point)
    with open_world(directory) as world:
        assert world.left_over() == []
        world.services.power.autostart()
        assert world.services.instances.get("default", "victim").status is StatusCode.RUNNING
        assert world.run("victim", "cat", "/root/data") == (
            0,
            "old" if point in ("restore:swapped", "restore:kept") else "new",
        )


def _check_whole(world: World, action: str) -> None:
    """Every instance that is there has one of the contents that it had or was to get."""
    former = {"restore": {"old"}, "undo": {"later"}, "refresh": {"latest"}}
    possible = {"new"} | former.get(action, set())
    for name in world.names() & {"victim", "new"}:
        if action == "create" and name == "new":
            continue
        assert world.read(name, "/root/data") in possible
        if action == "copy":
            assert world.snapshots(name) == ["one"]
    if action == "refresh":
        snapshots = world.snapshots("victim")
        assert (world.read("victim", "/root/data") == "latest") == (snapshots == ["one", "fresh"]), snapshots


def _is_done(world: World, action: str, pool: str) -> bool:
    names = world.names()
    if action in ("create", "copy"):
        return "new" in names
    if action == "rename":
        return names == {"new"}
    if action == "delete":
        return "victim" not in names
    if action == "move":
        return world.services.instances.get("default", "victim").instance.pool != pool
    after = {"restore": "old", "undo": "new", "refresh": "latest"}
    if action in after:
        return world.read("victim", "/root/data") == after[action]
    if action == "shift":
        is_running = world.services.instances.get("default", "victim").status is StatusCode.RUNNING
        return is_running and world.run("victim", "stat", "-c", "%u", "/root/data") == (0, "0\n")
    wanted = {"snapshot": ["one", "two"], "snapshot-rename": ["uno"], "snapshot-delete": []}
    return world.snapshots("victim") == wanted[action]
