"""The start of a container: files beside it, `lxc-start`, and the way back when that fails."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from holdfast.host import processes
from holdfast.host.cgroups import ControlGroup, hierarchies
from holdfast.host.network import delete_interface
from holdfast.model.errors import BadRequestError, CommandError, RuntimeFailure
from holdfast.runtime.base import BindMount, StartSpec
from holdfast.runtime.lxc.config import SECCOMP_PROFILE, HostFacts, render
from holdfast.runtime.lxc.launch import LOG_NAME, START_ENVIRONMENT, start_command, write_hooks
from holdfast.runtime.lxc.limits import HostSize
from holdfast.runtime.lxc.mounts import ERROR_NAME, MountPlan, PlannedMount, path_parts, stage_of
from holdfast.runtime.lxc.naming import Naming

CONSOLE_NAME: Final = "console.log"
_TIMEOUT_S: Final = 120.0
_LOG_LINE: Final = re.compile(r"^lxc-start \S+ \S+ (ERROR|WARN) +\S+ - \S+?:\S+?:\d+ - (.*)$")
_LOG_TAIL_LINES: Final = 12


def start_container(folder: Path, spec: StartSpec, naming: Naming) -> None:
    """Start it; return when its first process runs. On failure the caller cleans up (`remove_leftovers`)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    spec.log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _rotate(spec.log_dir)
    name, log = naming.container(spec.key), spec.log_dir / LOG_NAME
    plan = plan_mounts(spec, name)
    plan.write(folder)
    facts = HostFacts(
        hierarchies=hierarchies(),
        size=host_size(),
        has_apparmor=Path("/sys/kernel/security/apparmor/profiles").exists(),
        payload_group=naming.payload(spec.key),
        monitor_group=naming.monitor(spec.key),
        seccomp_path=_write(folder / "seccomp", SECCOMP_PROFILE) if _has_seccomp() else None,
        root=Path(plan.stage or plan.root),
        hooks=write_hooks(folder, name, log, plan),
    )
    _write(folder / "config", render(spec, facts))
    remove_leftovers(spec, naming)
    (folder / ERROR_NAME).unlink(missing_ok=True)
    try:
        processes.run(start_command(folder, name, log), env=START_ENVIRONMENT, timeout_s=_TIMEOUT_S)
    except CommandError as error:
        text = _read(folder / ERROR_NAME) or useful_log_end(_read(log)) or str(error)
        raise RuntimeFailure(f'Failed to start instance "{spec.key}": {text}') from error


def plan_mounts(spec: StartSpec, name: str) -> MountPlan:
    """Decide what our hooks mount; an optional source that is missing is left out, any other is an error.

    liblxc opens a root to be mounted idmapped with the host's rights, any other with those of the container's root.
    """
    mounts = []
    for mount in spec.mounts:
        try:
            path_parts(mount.path)
        except ValueError as error:
            raise BadRequestError(str(error)) from error
        if mount.source.exists():
            mounts.append(planned_mount(mount, is_privileged=spec.idmap is None))
        elif not mount.is_optional:
            raise RuntimeFailure(f"The mount at {mount.path} has no source: {mount.source} doesn't exist")
    return MountPlan(
        is_privileged=spec.idmap is None,
        root=str(spec.rootfs),
        stage=str(stage_of(name)) if spec.idmap is not None and spec.is_rootfs_shifted else None,
        mounts=tuple(mounts),
    )


def planned_mount(mount: BindMount, *, is_privileged: bool) -> PlannedMount:
    """Return what the hooks do for a mount."""
    return PlannedMount(
        source=str(mount.source),
        path=mount.path,
        is_read_only=mount.is_read_only,
        is_recursive=mount.is_recursive,
        use_idmap=mount.use_idmap and not is_privileged,
    )


def useful_log_end(log: str) -> str:
    """Return the messages of liblxc's last errors, without times, sources and repeats."""
    messages: list[str] = []
    for line in log.splitlines():
        match = _LOG_LINE.match(line)
        if match and match[1] == "ERROR" and match[2] not in messages:
            messages.append(match[2])
    return "; ".join(messages[-_LOG_TAIL_LINES:])


def host_size() -> HostSize:
    """Return the memory of this host and the CPUs that we may use."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return HostSize(memory_bytes=memory, cpus=tuple(sorted(os.sched_getaffinity(0))))


def _has_seccomp() -> bool:
    return Path("/proc/sys/kernel/seccomp/actions_avail").exists()


def _rotate(log_dir: Path) -> None:
    for name in (LOG_NAME, CONSOLE_NAME):
        log = log_dir / name
        if log.exists():
            log.replace(log_dir / f"{name}.old")


def remove_leftovers(spec: StartSpec, naming: Naming) -> None:
    """Remove what a container that ended badly may have left."""
    for name in (naming.payload(spec.key), naming.monitor(spec.key)):
        ControlGroup(name).remove()
    for nic in spec.nics:
        if nic.host_name:
            delete_interface(nic.host_name)


def _write(path: Path, text: str) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
