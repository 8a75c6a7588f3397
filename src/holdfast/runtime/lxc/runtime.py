"""Containers through liblxc. This process only reads and sends signals; whatever forks runs in a helper of its own.

<directory>/<key>/config        the configuration it was last started with
                  seccomp       the system call filter that the configuration names
                  monitor.pid   written by liblxc's monitor process
                  log_dir       where console.log and lxc.log of this container are
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from holdfast.host.cgroups import ControlGroup
from holdfast.model.errors import BadRequestError, RuntimeFailure
from holdfast.model.kinds import StatusCode
from holdfast.runtime.base import BindMount, ExecProcess, ExecSpec, FileAccess, IdMap, Runtime, RuntimeState, StartSpec
from holdfast.runtime.lxc import check
from holdfast.runtime.lxc.console import open_console
from holdfast.runtime.lxc.exec import start_exec
from holdfast.runtime.lxc.files import RunningFiles, StoppedFiles
from holdfast.runtime.lxc.forker import ExecForker
from holdfast.runtime.lxc.live_limits import change_limits
from holdfast.runtime.lxc.live_mounts import LiveContainer, change_mounts
from holdfast.runtime.lxc.monitors import Monitor, Monitors
from holdfast.runtime.lxc.naming import Naming
from holdfast.runtime.lxc.observe import Observer
from holdfast.runtime.lxc.signals import halt_signal, reboot_signal
from holdfast.runtime.lxc.start import CONSOLE_NAME, host_size, remove_leftovers, start_container
from holdfast.runtime.lxc.terminal import open_terminal

_ASK_EVERY_S: Final = 0.1
_ASK_AGAIN_S: Final = 5.0
_KILL_TIMEOUT_S: Final = 30.0
_CONSOLE_LOG_BYTES: Final = 128 * 1024


class LxcRuntime(Runtime):
    """The containers below one directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory.resolve()
        self._naming = Naming.of(self._directory)
        self._monitors = Monitors(self._directory, self._naming)
        self._observer = Observer()
        self._forker = ExecForker()

    def check_host(self) -> list[str]:
        return check.missing_parts()

    def default_idmap(self) -> IdMap:
        return check.default_idmap()

    def can_idmap(self, path: Path) -> bool:
        return check.can_idmap(path)

    def start(self, spec: StartSpec) -> None:
        if self._monitors.find(spec.key) is not None:
            raise BadRequestError("The instance is already running")
        self._observer.forget(spec.key)
        folder = self._directory / spec.key
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "log_dir").write_text(str(spec.log_dir))
        try:
            start_container(folder, spec, self._naming)
        except BaseException:
            self.kill(spec.key)
            remove_leftovers(spec, self._naming)
            raise
        self._monitors.find(spec.key)
        self._forker.prepare()

    def shutdown(self, key: str, timeout_s: float | None) -> bool:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        config = self._config(key)
        asked: tuple[Monitor, float] | None = None
        while (monitor := self._monitors.find(key)) is not None:
            now = time.monotonic()
            if asked is None or asked[0] is not monitor or now - asked[1] > _ASK_AGAIN_S:
                asked = (monitor, now) if _ask(monitor, lambda pid: halt_signal(pid, config)) else None
            pause = _ASK_EVERY_S if asked is None else _ASK_AGAIN_S
            if deadline is not None:
                pause = min(pause, max(0.0, deadline - now))
            if not monitor.wait(pause) and deadline is not None and time.monotonic() >= deadline:
                return False
        self._clean(key)
        return True

    def reboot(self, key: str) -> None:
        config = self._config(key)
        if not _ask(self._running(key), lambda pid: reboot_signal(pid, config)):
            raise RuntimeFailure(f'Instance "{key}" has no first process to ask for a reboot')

    def kill(self, key: str) -> None:
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        while (monitor := self._monitors.find(key)) is not None:
            _ask(monitor, lambda _pid: signal.SIGKILL)
            group = self._group(key)
            if group.is_frozen():  # frozen processes die when they thaw
                group.set_frozen(False)
            if not monitor.wait(_ASK_EVERY_S) and time.monotonic() > deadline:
                monitor.kill()  # it hangs; what is left of the container dies with it
                if not monitor.wait(_ASK_AGAIN_S):
                    raise RuntimeFailure(f'Instance "{key}" can\'t be ended: its processes hang in the kernel')
        self._clean(key)

    def freeze(self, key: str) -> None:
        self._set_frozen(key, frozen=True)

    def unfreeze(self, key: str) -> None:
        self._set_frozen(key, frozen=False)

    def status(self, key: str) -> StatusCode:
        if self._monitors.find(key) is None:
            return StatusCode.STOPPED
        return StatusCode.FROZEN if self._group(key).is_frozen() else StatusCode.RUNNING

    def state(self, key: str) -> RuntimeState:
        monitor = self._monitors.find(key)
        pid = monitor.init_pid() if monitor is not None else 0
        if pid == 0:
            return RuntimeState(status=StatusCode.STOPPED)
        return self._observer.state(key, pid, self._group(key))

    def apply_limits(self, key: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        if self._monitors.find(key) is None:
            return
        change_limits(key, self._group(key), self._directory / key / "config", host_size(), before, after)

    def change_mounts(self, key: str, removed: Sequence[BindMount], added: Sequence[BindMount]) -> None:
        log_dir = self._log_dir(key)
        if self._monitors.find(key) is None or log_dir is None:
            return
        folder, name = self._directory / key, self._naming.container(key)
        with self._init(key) as (pid, pidfd):
            change_mounts(LiveContainer(folder, name, log_dir, pid, pidfd), removed, added)

    def exec(self, key: str, spec: ExecSpec, stdin: int, stdout: int, stderr: int, *, is_terminal: bool) -> ExecProcess:
        self._running(key)
        if self._group(key).is_frozen():
            raise BadRequestError("Instance is frozen")
        config = self._directory / key / "config"
        name = self._naming.container(key)
        return start_exec(name, config, spec, stdin, stdout, stderr, is_terminal=is_terminal, forker=self._forker)

    def open_terminal(self, key: str, uid: int, gid: int) -> tuple[int, int]:
        with self._init(key) as (pid, _):
            return open_terminal(pid, uid, gid)

    def console(self, key: str) -> int:
        self._running(key)
        return open_console(self._naming.container(key), self._directory / key / "config")

    def console_log(self, key: str) -> bytes:
        log_dir = self._log_dir(key)
        if log_dir is None:
            return b""
        parts = []
        for name in (f"{CONSOLE_NAME}.1", CONSOLE_NAME):
            with contextlib.suppress(FileNotFoundError):
                parts.append((log_dir / name).read_bytes().lstrip(b"\0"))
        return b"".join(parts)[-_CONSOLE_LOG_BYTES:]

    def clear_console_log(self, key: str) -> None:
        log_dir = self._log_dir(key)
        if log_dir is None:
            return
        (log_dir / f"{CONSOLE_NAME}.1").unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.truncate(log_dir / CONSOLE_NAME, 0)

    def files(self, key: str, rootfs: Path, idmap: IdMap | None, *, is_rootfs_shifted: bool) -> FileAccess:
        if self._monitors.find(key) is None:
            return self.tree_files(rootfs, idmap.host_base if idmap is not None and is_rootfs_shifted else 0)
        with self._init(key) as (_, pidfd):
            return RunningFiles(os.dup(pidfd), is_privileged=idmap is None)

    def tree_files(self, rootfs: Path, id_base: int) -> FileAccess:
        return StoppedFiles(rootfs, id_base)

    def tree_folder(self, rootfs: Path, path: str) -> Path:
        return StoppedFiles(rootfs, 0).folder(path)

    def watch(self, on_stopped: Callable[[str], None]) -> None:
        def ended(key: str) -> None:
            self._observer.forget(key)
            self._clean(key)
            on_stopped(key)

        self._monitors.watch(ended)

    def track(self, keys: Sequence[str]) -> None:
        running = [key for key in keys if self._monitors.find(key) is not None]
        if running:
            self._forker.prepare()

    def rename(self, key: str, new_key: str, log_dir: Path) -> None:
        folder = self._directory / key
        if folder.exists():
            folder.rename(self._directory / new_key)
            (self._directory / new_key / "log_dir").write_text(str(log_dir))
        self._observer.forget(key)

    def forget(self, key: str) -> None:
        self._observer.forget(key)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._directory / key)

    def close(self) -> None:
        self._monitors.close()
        self._observer.close()
        self._forker.close()

    def _set_frozen(self, key: str, *, frozen: bool) -> None:
        self._running(key)
        if not self._group(key).set_frozen(frozen):
            raise RuntimeFailure(f'Instance "{key}" could not be {"frozen" if frozen else "thawed"} in time')

    def _running(self, key: str) -> Monitor:
        monitor = self._monitors.find(key)
        if monitor is None:
            raise BadRequestError("Instance is not running")
        return monitor

    @contextlib.contextmanager
    def _init(self, key: str) -> Iterator[tuple[int, int]]:
        """Give pid and pidfd of the first process, proven to be the monitor's child after the pidfd was taken."""
        monitor = self._running(key)
        pid = monitor.init_pid()
        try:
            pidfd = os.pidfd_open(pid)
        except (OSError, ValueError) as error:
            raise BadRequestError("Instance is not running") from error
        try:
            if monitor.init_pid() != pid:
                raise BadRequestError("Instance is not running")
            yield pid, pidfd
        finally:
            os.close(pidfd)

    def _clean(self, key: str) -> None:
        """Remove control groups that an ended container left: liblxc leaves them when its monitor was killed."""
        if self._monitors.find(key) is None:
            self._group(key).remove()
            ControlGroup(self._naming.monitor(key)).remove()

    def _config(self, key: str) -> str:
        with contextlib.suppress(OSError):
            return (self._directory / key / "config").read_text()
        return ""

    def _log_dir(self, key: str) -> Path | None:
        with contextlib.suppress(OSError):
            return Path((self._directory / key / "log_dir").read_text())
        return None

    def _group(self, key: str) -> ControlGroup:
        return ControlGroup(self._naming.payload(key))


def _ask(monitor: Monitor, choose: Callable[[int], int | None]) -> bool:
    """Send the first process the signal that `choose` finds for it; return whether one was sent."""
    pid = monitor.init_pid()
    if pid == 0:
        return False
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(pid)
        try:
            number = choose(pid) if monitor.init_pid() == pid else None
            if number is not None:
                signal.pidfd_send_signal(pidfd, number)
                return True
        finally:
            os.close(pidfd)
    return False
