"""A process that dies at a named point of a change to an instance: the next one finds everything whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.kinds import StatusCode
from holdfast.service.crashpoints import ALL_POINTS
from support.changes import check_whole, die, is_done, prepare
from support.crash_child import act, runtime_of
from support.holdfast import short_directory
from support.images import FEW_APPLETS
from support.world import POOLS, dismantle, furnish, open_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]

KINDS = {
    "create": "instance-create",
    "copy": "instance-create",
    "refresh": "instance-refresh",
    "delete": "instance-delete",
    "rename": "instance-rename",
    "move": "instance-move",
    "move-alone": "instance-move",
    "snapshot": "snapshot-create",
    "snapshot-rename": "snapshot-rename",
    "snapshot-delete": "snapshot-delete",
    "prune": "snapshot-delete",
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
        furnish(world, scratch, FEW_APPLETS)
    yield directory
    with open_world(directory) as world:
        dismantle(world)
    shutil.rmtree(scratch)


@pytest.mark.long
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("action", "point"), CASES)
def test_death_leaves_nothing_half_there(directory: Path, pool: str, action: str, point: str) -> None:
    with open_world(directory) as world:
        prepare(world, pool, action)
    die(directory, action, pool, point)
    with open_world(directory, runtime_of(action)) as world:
        assert world.left_over() == []
        check_whole(world, action)
        if not is_done(world, action, pool):
            act(world, action, pool)
        assert is_done(world, action, pool)
        assert world.left_over() == []


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("point", [point for point in ALL_POINTS if point.startswith("snapshot-create:")])
def test_death_in_a_run_of_a_schedule_neither_skips_nor_doubles_it(directory: Path, pool: str, point: str) -> None:
    with open_world(directory) as world:
        prepare(world, pool, "due")
    die(directory, "due", pool, point)
    with open_world(directory) as world:
        assert world.left_over() == []
        world.tick()
        assert is_done(world, "due", pool), world.snapshots("victim")
        world.tick()
        assert is_done(world, "due", pool), world.snapshots("victim")
        assert world.left_over() == []


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("point", RUNNING_CASES)
def test_death_with_a_running_instance(directory: Path, pool: str, point: str) -> None:
    action = point.partition(":")[0].removesuffix("-create")
    with open_world(directory) as world:
        prepare(world, pool, action, start=True)
    die(directory, action, pool, point)
    with open_world(directory) as world:
        assert world.left_over() == []
        world.services.autostart.start_all()
        assert world.services.instances.get("default", "victim").status is StatusCode.RUNNING
        assert world.run("victim", "cat", "/root/data") == (
            0,
            "old" if point in ("restore:swapped", "restore:kept") else "new",
        )
