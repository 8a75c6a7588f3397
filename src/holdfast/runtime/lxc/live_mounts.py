"""Mounts of a container that runs: changed inside by a helper process, and in the plan that it reboots with."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from holdfast.host.helper import start_helper
from holdfast.model.errors import BadRequestError, RuntimeFailure
from holdfast.runtime.base import BindMount
from holdfast.runtime.lxc.launch import LOG_NAME, write_hooks
from holdfast.runtime.lxc.mounts import MountPlan, PlannedMount, path_parts
from holdfast.runtime.lxc.start import planned_mount

_HOOK: Final = "start-host"


@dataclass(frozen=True, slots=True)
class LiveContainer:
    """A container that runs: the folder with its configuration, its name for liblxc, its log, its first process."""

    folder: Path
    name: str
    log_dir: Path
    pid: int
    pidfd: int


def change_mounts(container: LiveContainer, removed: Sequence[BindMount], added: Sequence[BindMount]) -> None:
    """See `Runtime.change_mounts`."""
    plan = MountPlan.read(container.folder)
    gone = {tuple(path_parts(mount.path)) for mount in removed}
    there = [mount for mount in plan.mounts if tuple(path_parts(mount.path)) in gone]
    new = [_planned(mount, plan) for mount in added if mount.source.exists() or not mount.is_optional]
    if not there and not new:
        return
    _change_inside(container, plan, there, new)
    kept = tuple(mount for mount in plan.mounts if mount not in there)
    _change_plan(container, replace(plan, mounts=(*kept, *new)))


def _planned(mount: BindMount, plan: MountPlan) -> PlannedMount:
    try:
        path_parts(mount.path)
    except ValueError as error:
        raise BadRequestError(str(error)) from error
    if not mount.source.exists():
        raise BadRequestError(f'Source path "{mount.source}" doesn\'t exist')
    return planned_mount(mount, is_privileged=plan.is_privileged)


def _change_inside(
    container: LiveContainer, plan: MountPlan, removed: Sequence[PlannedMount], added: Sequence[PlannedMount]
) -> None:
    request = {
        "is_privileged": plan.is_privileged,
        "pid": container.pid,
        "pidfd": container.pidfd,
        "removed": [asdict(mount) for mount in removed],
        "added": [asdict(mount) for mount in added],
    }
    with open(os.memfd_create("mounts", os.MFD_CLOEXEC), "w+b") as talk:
        talk.write(json.dumps(request).encode())
        talk.seek(0)
        helper = start_helper(
            "holdfast.runtime.lxc.live_mounts_child",
            stdin=talk.fileno(),
            stderr=subprocess.PIPE,
            pass_fds=(container.pidfd,),
        )
        _, told = helper.communicate()
    if helper.returncode != 0:
        lines = told.decode(errors="replace").strip().splitlines() or ["the helper process ended"]
        raise RuntimeFailure(f"The mounts of the running instance can't be changed: {lines[-1]}")


def _change_plan(container: LiveContainer, plan: MountPlan) -> None:
    """Keep the plan for reboots; a container that was started without mounts has no hook for them yet."""
    plan.write(container.folder)
    hooks = write_hooks(container.folder, container.name, container.log_dir / LOG_NAME, plan)
    config = container.folder / "config"
    text = config.read_text(encoding="utf-8")
    if plan.mounts and f"lxc.hook.{_HOOK} =" not in text:
        beside = config.with_name("config.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text.rstrip()}\nlxc.hook.{_HOOK} = {shlex.quote(str(hooks[_HOOK]))}\n")
        beside.replace(config)
