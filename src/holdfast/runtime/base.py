"""The one interface of what runs instances: containers through liblxc, virtual machines through QEMU.

A runtime keeps no state of its own beyond files below its directory: status is always asked of the kernel, so that a
restarted daemon sees what really runs. Blocking; thread-safe for different instances.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from holdfast.model.kinds import StatusCode


@dataclass(frozen=True, kw_only=True, slots=True)
class IdMap:
    """One range for users and groups: id 0 inside is `host_base` outside, `size` ids long."""

    host_base: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BindMount:
    """A host path shown inside; `path` is absolute inside. Created below the rootfs where missing, never via links."""

    source: Path
    path: str
    is_read_only: bool = False
    is_optional: bool = False
    is_recursive: bool = False
    use_idmap: bool = False
    """Mount it idmapped with the container's map (its files are kept with the ids seen inside)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Nic:
    """A network interface: `parent` is an existing bridge, or None for an interface not plugged in anywhere."""

    name: str
    parent: str | None
    hwaddr: str
    host_name: str
    mtu: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StartSpec:
    """All a runtime needs to start an instance. `key` is unique over projects ("<name>" or "<project>_<name>")."""

    key: str
    hostname: str
    rootfs: Path
    architecture: str
    idmap: IdMap | None
    """None: privileged."""
    is_rootfs_shifted: bool
    """False: ids on disk are those seen inside, mount it idmapped."""
    config: Mapping[str, str]
    """Expanded config: limits.*, security.*, raw.lxc, environment.*, linux.sysctl.*, limits.kernel.*, ..."""
    mounts: tuple[BindMount, ...] = ()
    nics: tuple[Nic, ...] = ()
    log_dir: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    family: str
    address: str
    netmask: str
    scope: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkState:
    addresses: tuple[Address, ...]
    counters: Mapping[str, int]
    """LXD's keys: bytes_received, bytes_sent, packets_received, packets_sent, errors_received, errors_sent,
    packets_dropped_outbound, packets_dropped_inbound."""
    hwaddr: str
    host_name: str
    mtu: int
    state: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeState:
    """What runs right now; all zero when stopped, `network` None then. Memory in bytes, CPU in nanoseconds."""

    status: StatusCode
    pid: int = 0
    processes: int = 0
    cpu_ns: int = 0
    memory_usage: int = 0
    memory_usage_peak: int = 0
    swap_usage: int = 0
    swap_usage_peak: int = 0
    network: Mapping[str, NetworkState] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecSpec:
    """A command to run inside. `environment` is complete; ids and directory as seen inside."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    group: int = 0
    cwd: str = "/root"


class ExecProcess(Protocol):
    """A command that runs inside; its standard streams are the descriptors given to `Runtime.exec`."""

    def wait(self) -> int:
        """Wait for its end; return the exit code (128+n for signal n, 127 not found, 126 not executable)."""

    def signal(self, number: int) -> None:
        """Send the signal to the command itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileInfo:
    """One file inside: `kind` is "file", "directory" or "symlink"; ids as seen inside; mode is permission bits."""

    kind: str
    uid: int
    gid: int
    mode: int
    size: int
    modified_ns: int
    target: str = ""
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileWrite:
    """What to write at `path` inside; None keeps what is there (or 0, 0 and 0644/0755 for something new)."""

    path: str
    kind: str = "file"
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    is_append: bool = False
    target: str = ""


class FileAccess(ABC):
    """Files of one instance, running (its own mounts are seen) or stopped (its root tree); never leaves its root.

    Raises `NotFoundError("Not Found")` for a missing path, `BadRequestError` for a wrong type, also of a part of a path
    that is to be written.
    """

    @abstractmethod
    def stat(self, path: str) -> FileInfo:
        """Return facts without following a last symlink; `entries` of a directory sorted."""

    @abstractmethod
    def list(self, path: str, most: int) -> dict[str, FileInfo]:
        """Return the entries of a directory by name, sorted; more than `most` are refused. A last link is followed."""

    @abstractmethod
    def read(self, path: str) -> tuple[FileInfo, int]:
        """Return facts and a descriptor open for reading of a regular file; the caller closes it."""

    @abstractmethod
    def write(self, request: FileWrite, source: int | None) -> None:
        """Create or replace; content of a file is read from the descriptor `source` to its end."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file, a symlink or an empty directory."""


class Runtime(ABC):
    """Starts, stops and looks into instances of one type, by their `key`."""

    @abstractmethod
    def check_host(self) -> list[str]:
        """Return what is missing on this host, one sentence each with the remedy; empty when all is there."""

    @abstractmethod
    def default_idmap(self) -> IdMap:
        """Return the range that unprivileged instances get on this host (/etc/subuid of root, else LXD's 1000000)."""

    @abstractmethod
    def can_idmap(self, path: Path) -> bool:
        """Tell whether kernel and the file system of `path` have idmapped mounts (tried, not guessed)."""

    @abstractmethod
    def start(self, spec: StartSpec) -> None:
        """Start; return when init runs. Raises `RuntimeFailure` with the end of the log, nothing left behind."""

    @abstractmethod
    def shutdown(self, key: str, timeout_s: float | None) -> bool:
        """Ask init to end; wait up to the timeout (None: for ever). Return whether it has ended."""

    @abstractmethod
    def reboot(self, key: str) -> None: ...

    @abstractmethod
    def kill(self, key: str) -> None:
        """End it at once; return when it is gone. Stopped already: nothing."""

    @abstractmethod
    def freeze(self, key: str) -> None: ...

    @abstractmethod
    def unfreeze(self, key: str) -> None: ...

    @abstractmethod
    def status(self, key: str) -> StatusCode:
        """Return RUNNING, FROZEN or STOPPED, cheap enough for long lists."""

    @abstractmethod
    def state(self, key: str) -> RuntimeState: ...

    @abstractmethod
    def apply_limits(self, key: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Bring what runs from the limits of one expanded config to those of another, at once and for its reboots.

        Raises `RuntimeFailure` when the kernel refuses; the limits are as before then. Stopped: nothing.
        """

    @abstractmethod
    def change_mounts(self, key: str, removed: Sequence[BindMount], added: Sequence[BindMount]) -> None:
        """Take mounts from what runs and give it others, at once and for its reboots. Stopped: nothing.

        Raises `RuntimeFailure` naming what can't be had; what was mounted is as before then. One that somebody inside
        has unmounted is gone already. Files in use stay open: the mount goes when the last one is closed.
        """

    @abstractmethod
    def exec(self, key: str, spec: ExecSpec, stdin: int, stdout: int, stderr: int, *, is_terminal: bool) -> ExecProcess:
        """Run a command inside with these descriptors (copied; a terminal is the slave side of a pty)."""

    @abstractmethod
    def open_terminal(self, key: str, uid: int, gid: int) -> tuple[int, int]:
        """Return master and slave of a terminal for `exec` that the instance knows by name; ids as seen inside."""

    @abstractmethod
    def console(self, key: str) -> int:
        """Return a descriptor of a terminal attached to the console (read, write, TIOCSWINSZ); the caller closes it."""

    @abstractmethod
    def console_log(self, key: str) -> bytes:
        """Return the console's recent output, also after the stop."""

    @abstractmethod
    def clear_console_log(self, key: str) -> None: ...

    @abstractmethod
    def files(self, key: str, rootfs: Path, idmap: IdMap | None, *, is_rootfs_shifted: bool) -> FileAccess: ...

    @abstractmethod
    def tree_files(self, rootfs: Path, id_base: int) -> FileAccess:
        """Return access to a tree that nothing runs in; ids on its disk are those seen inside plus `id_base`."""

    @abstractmethod
    def tree_folder(self, rootfs: Path, path: str) -> Path:
        """Return where a directory of a tree that nothing runs in, and nobody writes to, is on the host.

        Links are followed inside. `NotFoundError` for what isn't there, `BadRequestError` for what is no directory.
        """

    @abstractmethod
    def watch(self, on_stopped: Callable[[str], None]) -> None:
        """Call `on_stopped(key)` from a thread each time an instance ends, whoever ended it; also for those that were
        already running when this process began."""

    @abstractmethod
    def track(self, keys: Sequence[str]) -> None:
        """Name the instances that may be running from a former daemon; those that run are watched from now on."""

    @abstractmethod
    def rename(self, key: str, new_key: str, log_dir: Path) -> None:
        """Move what is kept beside a stopped instance."""

    @abstractmethod
    def forget(self, key: str) -> None:
        """Remove what is kept beside a stopped instance. Idempotent."""

    @abstractmethod
    def close(self) -> None:
        """Stop watching; instances keep running."""
