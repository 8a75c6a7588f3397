"""Where the helper processes of exec come from: a process that has imported all they need forks one for each command.

It does nothing else, single-threaded, so every command gets a helper that no other command has touched, without the
start of Python, which is most of what an exec would take. It ends when its socket closes: with the server, however
that ends. Its helpers go on.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.host.helper import start_helper
from holdfast.model.errors import RuntimeFailure

_MODULE = "holdfast.runtime.lxc.exec_child"


@dataclass(frozen=True, slots=True)
class _Forker:
    process: subprocess.Popen[bytes]
    channel: socket.socket

    def end(self) -> None:
        self.channel.close()
        self.process.wait()


class ExecForker:
    """Keeps that process; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forker: _Forker | None = None

    def prepare(self) -> None:
        """Start it if it isn't there, so that the first command needn't wait for it."""
        with self._lock:
            self._running()

    def pid(self) -> int | None:
        """Return its process id, None while there is none."""
        with self._lock:
            return None if self._forker is None else self._forker.process.pid

    def send(self, descriptors: Sequence[int]) -> socket.socket:
        """Have a helper forked that gets these (request, standard streams); return the socket that it talks on."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._send([*descriptors, theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """End it; helpers that have a command go on."""
        with self._lock:
            if self._forker is not None:
                self._forker.end()
                self._forker = None

    def _send(self, descriptors: Sequence[int]) -> None:
        with self._lock:
            for _ in range(2):
                forker = self._running()
                try:
                    socket.send_fds(forker.channel, [b"run"], descriptors)
                except (BrokenPipeError, ConnectionResetError):  # something has ended it
                    forker.end()
                    self._forker = None
                    continue
                return
        raise RuntimeFailure("The process that forks the helpers of commands ended at its start")

    def _running(self) -> _Forker:
        if self._forker is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                try:
                    process = start_helper(_MODULE, (str(theirs.fileno()),), pass_fds=(theirs.fileno(),))
                except BaseException:
                    ours.close()
                    raise
            self._forker = _Forker(process, ours)
        return self._forker
