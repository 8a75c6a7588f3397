"""Changes that are made to fail: what they work on, what must hold whatever becomes of them, whether one is done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdfast.db import schedule_runs
from holdfast.db import snapshots as snapshots_table
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode
from holdfast.model.storage import instance_volume
from holdfast.service.backups import BackupRequest
from holdfast.service.crashpoints import VARIABLE
from holdfast.service.instance_requests import FromCopy, InstanceRequest
from support.world import CALLER, World, owner


def prepare(world: World, pool: str, action: str, *, start: bool = False) -> None:
    """Make a stopped instance `victim`: its snapshot `one` holds "old", itself "new" ("later" before an undo)."""
    world.clear()
    world.create("victim", pool)
    if action == "replace" and not export_of(world, pool).exists():
        _export_another(world, export_of(world, pool))
    world.write("victim", "/root/data", "old")
    world.snapshot("victim", "one")
    if action == "refresh":
        world.finish(world.services.instances.create(CALLER, InstanceRequest(name="source"), FromCopy(name="victim")))
        world.write("source", "/root/data", "latest")
        world.snapshot("source", "fresh")
        world.snapshot("victim", "obsolete")
    world.write("victim", "/root/data", "new")
    if action == "prune":
        expired = world.services.snapshots.get("default", "victim", "one").snapshot
        with world.services.database.write() as connection:
            over = replace(expired, expires_at=expired.created_at - timedelta(days=1))
            snapshots_table.update(connection, "default", "victim", over)
    if action == "due":
        make_due(world, "victim")
    if action == "undo":
        world.finish(world.services.restore.restore(CALLER, "victim", "one"))
        world.write("victim", "/root/data", "later")
    if start:
        world.power("victim", "start")


def export_of(world: World, pool: str) -> Path:
    """Return where the export file is that replaces `victim`: it holds "other", and in its snapshot `one` "elder"."""
    return world.services.paths.root / f"replacement-{pool}"


def _export_another(world: World, target: Path) -> None:
    world.write("victim", "/root/data", "elder")
    world.snapshot("victim", "one")
    world.snapshot("victim", "three")
    world.write("victim", "/root/data", "other")
    world.finish(world.services.backups.create(CALLER, owner("victim"), BackupRequest(name="b")))
    shutil.copy(world.services.backups.path(owner("victim"), "b"), target)
    world.finish(world.services.backups.delete(CALLER, owner("victim"), "b"))
    for name in ("one", "three"):
        world.finish(world.services.snapshots.delete(CALLER, "victim", name))


def make_due(world: World, name: str) -> None:
    """Give it a schedule of every hour, also while stopped, that was looked at two hours ago for the last time.

    It was due half an hour ago, so that no other moment of it comes meanwhile.
    """
    minute = (datetime.now(UTC).astimezone().minute + 30) % 60
    config = {"snapshots.schedule": f"{minute} * * * *", "snapshots.schedule.stopped": "true"}
    world.services.instances.patch(CALLER, name, InstanceChange(config=config))
    world.tick()
    key = ("default", name)
    with world.services.database.write() as connection:
        (run,) = schedule_runs.list_for(connection, schedule_runs.INSTANCES, key)
        earlier = replace(run, checked_until=run.checked_until - timedelta(hours=2))
        schedule_runs.save(connection, schedule_runs.INSTANCES, key, earlier)


def check_whole(world: World, action: str) -> None:
    """Every instance that is there has one of the contents that it had or was to get."""
    former = {"restore": {"old"}, "undo": {"later"}, "refresh": {"latest"}, "replace": {"other"}}
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
    if action == "replace":
        is_done = world.read("victim", "/root/data") == "other"
        assert world.snapshots("victim") == (["one", "three"] if is_done else ["one"])
        victim = world.services.instances.get("default", "victim").instance
        volume = instance_volume(victim.type, victim.project, victim.name)
        tree = world.services.pools.driver(victim.pool).path(volume, "one")
        assert (tree / "rootfs/root/data").read_text() == ("elder" if is_done else "old")


def is_done(world: World, action: str, pool: str) -> bool:
    names = world.names()
    if action in ("create", "copy"):
        return "new" in names
    if action == "rename":
        return names == {"new"}
    if action == "delete":
        return "victim" not in names
    if action in ("move", "move-alone"):
        was_moved = world.services.instances.get("default", "victim").instance.pool != pool
        assert world.snapshots("victim") == ([] if was_moved and action == "move-alone" else ["one"])
        return was_moved
    after = {"restore": "old", "undo": "new", "refresh": "latest", "replace": "other"}
    if action in after:
        return world.read("victim", "/root/data") == after[action]
    if action == "shift":
        is_running = world.services.instances.get("default", "victim").status is StatusCode.RUNNING
        return is_running and world.run("victim", "stat", "-c", "%u", "/root/data") == (0, "0\n")
    wanted = {"snapshot": ["one", "two"], "snapshot-rename": ["uno"], "snapshot-delete": [], "prune": []}
    wanted["due"] = ["one", "snap0"]
    return world.snapshots("victim") == wanted[action]


def die(directory: Path, action: str, pool: str, point: str) -> None:
    """Begin the change in a process of its own that ends at this point, as in a power cut."""
    done = subprocess.run(
        [sys.executable, "-m", "support.crash_child", directory, action, pool],
        env={**os.environ, VARIABLE: point, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == -9, f"{point} was not reached: {done.stderr[-2000:]}"
