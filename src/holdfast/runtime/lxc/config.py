"""The text of a container's liblxc configuration: pure, from a `StartSpec` and facts of the host.

Every line passes one gate that refuses line breaks and odd keys, so that no value can become a line of its own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host.cgroups import Hierarchies
from holdfast.model.errors import BadRequestError
from holdfast.runtime.base import Nic, StartSpec
from holdfast.runtime.lxc.limits import HostSize, limit_lines

Line = tuple[str, str]

CONSOLE_LOG_BYTES: Final = 1 << 20
"""The console log is rotated at this size: one older part is kept."""

SECCOMP_PROFILE: Final = """2
denylist
reject_force_umount
[all]
kexec_load errno 38
kexec_file_load errno 38
open_by_handle_at errno 38
init_module errno 38
finit_module errno 38
delete_module errno 38
"""
"""What no container may call: other kernels, kernel modules, files by handle (which walks around mount namespaces)."""

_KEY: Final = re.compile(r"lxc\.[A-Za-z0-9_./-]+")
_DROPPED_CAPABILITIES: Final = "sys_time sys_module sys_rawio mac_admin mac_override"
_DEVICES: Final = (
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 10:200 rwm",
    "c 10:229 rwm",
    "c 136:* rwm",
)
"""mknod of anything (it gives no access); null zero full random urandom tty console ptmx tun fuse pts."""
_HOST_MOUNTS: Final = ("/sys/fs/fuse/connections", "/sys/fs/pstore", "/proc/sys/fs/binfmt_misc")
_HOST_MOUNTS_UNPRIVILEGED: Final = (
    "/sys/kernel/config",
    "/sys/kernel/debug",
    "/sys/kernel/security",
    "/sys/kernel/tracing",
)
"""init systems mount these; unprivileged ones can't, and get the host's, where they may not read either."""
_HOST_DEVICES: Final = ("/dev/fuse", "/dev/net/tun")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What the configuration depends on beside the instance."""

    hierarchies: Hierarchies
    size: HostSize
    has_apparmor: bool
    payload_group: str
    monitor_group: str
    seccomp_path: Path | None
    root: Path
    """Where liblxc finds the root: the instance's own, or where a hook binds it."""
    hooks: Mapping[str, Path]


def render(spec: StartSpec, host: HostFacts) -> str:
    """Return the configuration; raises `BadRequestError` for a value that can't be written or understood."""
    lines = [*_identity(spec), *_root(spec, host), *_confinement(spec, host), *_mounts(spec), *_network(spec.nics)]
    lines += [*_console(spec), *limit_lines(spec.config, host.hierarchies, host.size, spec.key), *_free_keys(spec)]
    text = "".join(f"{key} = {_checked(key, value)}\n" for key, value in lines)
    raw = spec.config.get("raw.lxc", "").strip()
    return f"{text}{raw}\n" if raw else text


def _checked(key: str, value: str) -> str:
    if not _KEY.fullmatch(key):
        raise BadRequestError(f"Invalid configuration key {key!r}: it may hold letters, digits and . _ / - only")
    if any(character in value for character in "\n\r\0"):
        raise BadRequestError(f"Invalid value for {key}: it must not contain line breaks")
    return value


def _identity(spec: StartSpec) -> Iterator[Line]:
    yield "lxc.uts.name", spec.hostname
    yield "lxc.arch", spec.architecture
    if spec.idmap is not None:
        for kind in ("u", "g"):
            yield "lxc.idmap", f"{kind} 0 {spec.idmap.host_base} {spec.idmap.size}"


def _root(spec: StartSpec, host: HostFacts) -> Iterator[Line]:
    yield "lxc.rootfs.path", f"dir:{host.root}"
    yield "lxc.rootfs.managed", "0"
    if spec.idmap is not None and not spec.is_rootfs_shifted:
        yield "lxc.rootfs.options", "idmap=container"


def _confinement(spec: StartSpec, host: HostFacts) -> Iterator[Line]:
    yield "lxc.cgroup.dir.container", host.payload_group
    yield "lxc.cgroup.dir.monitor", host.monitor_group
    yield "lxc.hook.version", "1"
    for hook, script in host.hooks.items():
        yield f"lxc.hook.{hook}", shlex.quote(str(script))
    yield "lxc.cap.drop", _DROPPED_CAPABILITIES
    if host.seccomp_path is not None:
        yield "lxc.seccomp.profile", str(host.seccomp_path)
    if host.has_apparmor:
        yield "lxc.apparmor.profile", "generated"
        if _is_true(spec, "security.nesting"):
            yield "lxc.apparmor.allow_nesting", "1"
    prefix = "lxc.cgroup" if host.hierarchies.is_v1("devices") else "lxc.cgroup2"
    yield f"{prefix}.devices.deny", "a"
    for rule in _DEVICES:
        yield f"{prefix}.devices.allow", rule


def _mounts(spec: StartSpec) -> Iterator[Line]:
    is_privileged = spec.idmap is None
    yield "lxc.autodev", "1"
    yield "lxc.pty.max", "1024"
    yield "lxc.tty.max", "0"
    # Without a user namespace the kernel doesn't guard /proc and /sys: keep the dangerous parts read-only.
    yield "lxc.mount.auto", "proc:mixed sys:mixed cgroup:mixed" if is_privileged else "proc:rw sys:rw cgroup:mixed"
    for path in _HOST_MOUNTS if is_privileged else (*_HOST_MOUNTS, *_HOST_MOUNTS_UNPRIVILEGED):
        yield "lxc.mount.entry", f"{path} {path[1:]} none rbind,optional 0 0"
    for path in _HOST_DEVICES:
        yield "lxc.mount.entry", f"{path} {path[1:]} none bind,create=file,optional 0 0"
    yield "lxc.mount.entry", "mqueue dev/mqueue mqueue rw,relatime,create=dir,optional 0 0"
    if _is_true(spec, "security.nesting"):
        yield "lxc.mount.entry", "proc dev/.lxc/proc proc create=dir,optional 0 0"
        yield "lxc.mount.entry", "sys dev/.lxc/sys sysfs create=dir,optional 0 0"


def _network(nics: tuple[Nic, ...]) -> Iterator[Line]:
    if not nics:
        yield "lxc.net.0.type", "empty"
        yield "lxc.net.0.flags", "up"
    for index, nic in enumerate(nics):
        prefix = f"lxc.net.{index}"
        yield f"{prefix}.type", "veth"
        yield f"{prefix}.flags", "up"
        if nic.parent is not None:
            yield f"{prefix}.link", nic.parent
        yield f"{prefix}.name", nic.name
        yield f"{prefix}.hwaddr", nic.hwaddr
        yield f"{prefix}.veth.pair", nic.host_name
        if nic.mtu is not None:
            yield f"{prefix}.mtu", str(nic.mtu)


def _console(spec: StartSpec) -> Iterator[Line]:
    yield "lxc.console.logfile", str(spec.log_dir / "console.log")
    yield "lxc.console.size", str(CONSOLE_LOG_BYTES)
    yield "lxc.console.rotate", "1"
    yield "lxc.console.buffer.size", "auto"


def _free_keys(spec: StartSpec) -> Iterator[Line]:
    for key, value in sorted(spec.config.items()):
        if key.startswith("environment."):
            yield "lxc.environment", f"{key.removeprefix('environment.')}={value}"
        elif key.startswith("linux.sysctl."):
            yield f"lxc.sysctl.{key.removeprefix('linux.sysctl.')}", value
        elif key.startswith("limits.kernel."):
            yield f"lxc.prlimit.{key.removeprefix('limits.kernel.')}", value


def _is_true(spec: StartSpec, key: str) -> bool:
    return spec.config.get(key, "").lower() in ("true", "1", "yes", "on")
