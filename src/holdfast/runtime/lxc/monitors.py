"""Which containers run: their monitor processes, found by pid file and proven by name; and a watch over their ends.

liblxc keeps one monitor process for each running container; a reboot has a new one (see `launch.py`). It writes its pid
beside the configuration and calls itself by the container's name: a pid that is another process's by now has another.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from holdfast.runtime.lxc.launch import PID_FILE, RESTART_MODULE, RESTART_PID_FILE
from holdfast.runtime.lxc.naming import LXC_PATH, Naming


class Monitor:
    """A monitor (or what starts it again in a reboot) that ran when it was found.

    Its pidfd stays its own even when the number is used again."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid, self.pidfd = pid, pidfd

    def __del__(self) -> None:
        os.close(self.pidfd)  # with the last reference: no thread can hold a number that is used anew

    def is_alive(self) -> bool:
        return not self.wait(0)

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for its end; return whether it has ended."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else max(0, int(timeout_s * 1000))))

    def kill(self) -> None:
        """End the monitor itself: the kernel then kills the container's first process."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def init_pid(self) -> int:
        """Return the pid of the container's first process, 0 while there is none."""
        children = _read(f"/proc/{self.pid}/task/{self.pid}/children").split()
        for child in map(int, children):
            if is_first_of_namespace(child):
                return child
        return 0


class Monitors:
    """The monitors of one directory. Thread-safe."""

    def __init__(self, directory: Path, naming: Naming) -> None:
        self._directory = directory
        self._naming = naming
        self._known: dict[str, Monitor] = {}
        self._watched: dict[int, tuple[str, Monitor]] = {}
        self._lock = threading.Lock()
        self._epoll = select.epoll()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._epoll.register(self._wake_read, select.EPOLLIN)
        self._thread: threading.Thread | None = None

    def find(self, key: str) -> Monitor | None:
        """Return the monitor of a running container, None when it is stopped."""
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                if known.is_alive():
                    return known
                del self._known[key]
            found = self._look_up(key)
            if found is not None:
                self._known[key] = found
                self._watched[found.pidfd] = (key, found)
                self._epoll.register(found.pidfd, select.EPOLLIN)
            return found

    def watch(self, on_stopped: Callable[[str], None]) -> None:
        """Call back, from one thread of our own, for each container found running that ends from now on."""
        assert self._thread is None, "watched already"
        self._thread = threading.Thread(target=self._run, args=(on_stopped,), daemon=True, name="container watch")
        self._thread.start()

    def close(self) -> None:
        """Stop watching. The containers go on."""
        if self._thread is not None and self._thread is not threading.current_thread():
            os.write(self._wake_write, b"x")
            self._thread.join()
        with self._lock:
            self._known.clear()
            self._watched.clear()
            self._epoll.close()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _look_up(self, key: str) -> Monitor | None:
        """Return what keeps the container running. Asked in the order of a reboot, so that none falls in between."""
        name = self._naming.container(key)
        for _ in range(2):
            for file, is_right in ((PID_FILE, _is_monitor), (RESTART_PID_FILE, _is_restarter)):
                text = _read(str(self._directory / key / file)).strip()
                monitor = _open(int(text)) if text.isdigit() else None
                if monitor is not None and is_right(_read(f"/proc/{text}/cmdline"), name) and monitor.is_alive():
                    return monitor
        return None

    def _run(self, on_stopped: Callable[[str], None]) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._wake_read:
                    return
                with self._lock:
                    key, _monitor = self._watched.pop(descriptor)
                    self._epoll.unregister(descriptor)
                    # One that came after it may have ended meanwhile, too: that end is told when its turn comes.
                    is_last = all(other != key for other, _ in self._watched.values())
                if is_last and self.find(key) is None:  # else it reboots
                    on_stopped(key)


def _open(pid: int) -> Monitor | None:
    try:
        return Monitor(pid, os.pidfd_open(pid))
    except OSError:
        return None


def _is_monitor(command_line: str, name: str) -> bool:
    return command_line.strip("\0 ") == f"[lxc monitor] {LXC_PATH} {name}"


def _is_restarter(command_line: str, name: str) -> bool:
    return RESTART_MODULE in command_line and name in command_line.split("\0")


def is_first_of_namespace(pid: int) -> bool:
    """Tell whether the process is number 1 of a pid namespace below ours."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith("NSpid:"):
            numbers = line.split()[1:]
            return len(numbers) > 1 and numbers[-1] == "1"
    return False


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
