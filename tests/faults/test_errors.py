"""ENOSPC and EIO at each step of what changes snapshots: old content or new, nothing left behind, done again.

Two ways: at the named points between the steps, and in the system calls themselves, the N-th of each kind with N from 1
until the change is through. After each failure the content is looked at, the change is done again in the same process,
and what a next start does leaves nothing.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.model.errors import HoldfastError
from holdfast.service.crashpoints import ALL_POINTS, FAILURE_VARIABLE
from support.changes import check_whole, die, is_done, prepare
from support.crash_child import act
from support.holdfast import short_directory
from support.images import FEW_APPLETS
from support.injection import failing, watching
from support.world import POOLS, World, dismantle, furnish, furnished_world, open_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox", "strace")]

KINDS = {
    "snapshot": "snapshot-create",
    "snapshot-delete": "snapshot-delete",
    "prune": "snapshot-delete",
    "snapshot-rename": "snapshot-rename",
    "restore": "restore",
    "undo": "restore",
    "replace": "instance-replace",
    "rename": "instance-rename",
    "delete": "instance-delete",
}
ERRORS = ("ENOSPC", "EIO")
POINTS = [
    pytest.param(action, point, id=f"{action}-{point.partition(':')[2]}")
    for action, kind in KINDS.items()
    for point in ALL_POINTS
    if point.partition(":")[0] == kind
]
_CALLS_OF_RECOVERY = {"d": ("fsync", "unlinkat"), "b": ("syncfs", "ioctl")}
"""Beside those that every pool has: what ends a change on plain directories, and on subvolumes."""

MOST_OF_A_KIND = 3
"""How many calls of one kind are made to fail one by one; from there each is twice as far as the one before."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with furnished_world(applets=FEW_APPLETS) as world:
        yield world


def _try(world: World, action: str, pool: str) -> bool:
    """Do it; return whether it said that it was done."""
    try:
        act(world, action, pool)
    except HoldfastError:
        return False
    except OSError:  # out of a named point, where no operation is between
        return False
    return True


def _check(world: World, action: str, pool: str, *, was_told_done: bool) -> None:
    """What must hold after a failure, at once, after doing it again, and at the next start."""
    check_whole(world, action)
    if was_told_done:
        assert is_done(world, action, pool), "it said that it was done"
    if not is_done(world, action, pool):
        act(world, action, pool)
    assert is_done(world, action, pool)
    check_whole(world, action)
    world.services.recovery.run()
    world.services.clear_leftovers()
    assert world.left_over() == []


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("action", "point"), POINTS)
def test_a_step_fails(
    world: World,
    faults: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    point: str,
    error: str,
    pool: str,
) -> None:
    prepare(world, pool, action)
    monkeypatch.setenv(FAILURE_VARIABLE, f"{point}={error}")
    was_told_done = _try(world, action, pool)
    assert FAILURE_VARIABLE not in os.environ, f"{point} was not reached"
    faults[f"{error} at a named point"] += 1
    _check(world, action, pool, was_told_done=was_told_done)


def _numbers() -> Iterator[int]:
    """Give 1, 2, 3, 6, 12, …"""
    number = 0
    while True:
        number += 1 if number < MOST_OF_A_KIND else number
        yield number


@pytest.mark.long
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("action", KINDS)
def test_a_system_call_fails(world: World, faults: Counter[str], action: str, error: str, pool: str) -> None:
    prepare(world, pool, action)
    with watching() as watched:
        act(world, action, pool)
    assert watched.names & {"renameat2", "ioctl"}
    for call in sorted(watched.names):
        for number in _numbers():
            prepare(world, pool, action)
            with failing(call, error, number) as injection:
                was_told_done = _try(world, action, pool)
            count = len(injection.calls)
            faults[f"{error} in a system call"] += count
            try:
                _check(world, action, pool, was_told_done=was_told_done)
            except (AssertionError, HoldfastError) as failure:
                raise AssertionError(f"{call} number {number}: {injection.calls}: {failure}") from failure
            if count == 0:
                break


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Of a world that is brought up and down: what is done there begins with a start."""
    scratch = short_directory()
    directory = scratch / "w"
    with open_world(directory) as world:
        furnish(world, scratch, FEW_APPLETS)
    yield directory
    with open_world(directory) as world:
        dismantle(world)
    shutil.rmtree(scratch)


def _start(directory: Path) -> None:
    """Try to start; a start that fails is tried again by whoever watches the server."""
    with suppress(HoldfastError, OSError), open_world(directory):
        pass


@pytest.mark.long
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("action", "point"), POINTS)
def test_recovery_fails(directory: Path, faults: Counter[str], action: str, point: str, pool: str) -> None:
    """EIO while a start ends what a crash left: the start after that one does it."""
    for call in ("fdatasync", "renameat2", *_CALLS_OF_RECOVERY[pool]):
        with open_world(directory) as world:
            prepare(world, pool, action)
        die(directory, action, pool, point)
        with failing(call, "EIO", 1) as injection:
            _start(directory)
        faults["EIO in recovery"] += len(injection.calls)
        with open_world(directory) as world:
            assert world.left_over() == [], injection.calls
            _check(world, action, pool, was_told_done=False)
