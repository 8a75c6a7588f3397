"""Processes that work on one tree side by side: Python's threads hinder each other where files are many and small."""

from __future__ import annotations

import errno
import queue
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from holdfast.host.crew_messages import receive, send
from holdfast.host.helper import start_helper
from holdfast.host.tree_copy import Linked
from holdfast.host.walk import THREADS, StoppedError

_CHILD: Final = "holdfast.host.crew_child"


class Crew:
    """As many processes as `Walk` has threads, on the same descriptors: source, target, maybe a twin and a relative."""

    def __init__(self, roots: Sequence[int | None], count: Callable[[int], None]) -> None:
        self._count = count
        self._members: list[tuple[subprocess.Popen[bytes], socket.socket]] = []
        self._idle: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
        self._is_killed = False
        self._lock = threading.Lock()
        try:
            for _ in range(THREADS):
                self._start(roots)
        except BaseException:
            self.close()
            raise

    def copy(self, path: bytes) -> tuple[list[bytes], list[Linked]]:
        """Have a directory copied by whoever is idle. Raises `StoppedError` when the crew was killed."""
        member = self._idle.get()
        try:
            return self._ask(member, ("copy", path))
        finally:
            self._idle.put(member)

    def dress(self) -> None:
        """Have all directories dressed, each by the process that copied it."""
        for _, member in self._members:
            send(member, ("dress",))
        for _, member in self._members:
            self._wait(member)

    def kill(self) -> None:
        """End all at once; who waits for one gets `StoppedError`."""
        with self._lock:
            self._is_killed = True
            for process, _ in self._members:
                process.kill()

    def close(self) -> None:
        """End them and wait until they are gone."""
        self.kill()
        for process, member in self._members:
            member.close()
            process.wait()

    def _start(self, roots: Sequence[int | None]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            passed = [theirs.fileno(), *(root for root in roots if root is not None)]
            arguments = [str(theirs.fileno()), *("" if root is None else str(root) for root in roots)]
            process = start_helper(_CHILD, arguments, pass_fds=passed)
        self._members.append((process, ours))
        self._idle.put(ours)

    def _ask(self, member: socket.socket, request: tuple[str, bytes]) -> tuple[list[bytes], list[Linked]]:
        try:
            send(member, request)
        except OSError:
            self._mourn()
        return self._wait(member)

    def _wait(self, member: socket.socket) -> tuple[list[bytes], list[Linked]]:
        while True:
            match receive(member):
                case ("count", int(size_bytes)):
                    self._count(size_bytes)
                case ("failed", number, text, path):
                    raise OSError(number, text, path)
                case ("done", list(below), list(linked)):
                    return below, linked
                case _:
                    self._mourn()

    def _mourn(self) -> NoReturn:
        if self._is_killed:
            raise StoppedError
        raise OSError(errno.EIO, "A process that copies files ended unexpectedly (out of memory?)")
