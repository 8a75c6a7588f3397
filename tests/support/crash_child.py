"""Carries out one change in a process that is to die on the way: `crash_child <directory> <action> <pool>`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from holdfast.runtime.lxc.runtime import LxcRuntime
from holdfast.service.instance_requests import FromCopy, FromImage, InstanceRequest, MoveRequest
from holdfast.streams.growing import ArrivingFile
from support.changes import export_of
from support.world import CALLER, PlainRuntime, World, open_world


def runtime_of(action: str) -> type[LxcRuntime]:
    """Return what runs instances while this change is tried."""
    return PlainRuntime if action == "shift" else LxcRuntime


def act(world: World, action: str, pool: str) -> None:
    """Start the change and wait for its end."""
    services = world.services
    root = {"root": {"type": "disk", "path": "/", "pool": pool}}
    match action:
        case "create":
            request = InstanceRequest(name="new", devices=root)
            operation = services.instances.create(CALLER, request, FromImage(alias="tiny"))
        case "copy":
            operation = services.instances.create(CALLER, InstanceRequest(name="new"), FromCopy(name="victim"))
        case "refresh":
            source = FromCopy(name="source", refresh=True)
            operation = services.instances.create(CALLER, InstanceRequest(name="victim"), source)
        case "delete":
            operation = services.instances.delete(CALLER, "victim")
        case "rename":
            operation = services.instances.rename(CALLER, "victim", "new")
        case "move" | "move-alone":
            move = MoveRequest(pool={"d": "b", "b": "d"}[pool], instance_only=action == "move-alone")
            operation = services.copies.move(CALLER, "victim", move)
        case "snapshot":
            operation = services.snapshots.create(CALLER, "victim", "two")
        case "snapshot-rename":
            operation = services.snapshots.rename(CALLER, "victim", "one", "uno")
        case "snapshot-delete":
            operation = services.snapshots.delete(CALLER, "victim", "one")
        case "restore":
            operation = services.restore.restore(CALLER, "victim", "one")
        case "prune":
            services.retention.prune(services.schedules, services.schedules.subject("default", "victim"))
            return
        case "due":
            world.tick()
            return
        case "undo":
            operation = services.restore.undo(CALLER, "victim")
        case "replace":
            spool = services.paths.incoming / f"upload-{os.urandom(4).hex()}"
            shutil.copy(export_of(world, pool), spool)
            operation = services.imports.restore_file(CALLER, ArrivingFile(spool), is_replacing=True)
        case "backups-move":
            services.server_config.patch(CALLER, {"storage.backups_volume": f"{pool}/one"})
            return
        case "shift":
            operation = services.power.change(CALLER, "victim", "start", 0)
        case _:
            raise ValueError(action)
    world.finish(operation)


def main() -> None:
    directory, action, pool = sys.argv[1:]
    with open_world(Path(directory), runtime_of(action)) as world:
        act(world, action, pool)


if __name__ == "__main__":
    main()
