"""Commands and consoles inside an instance: streams over websockets, one thread for each direction.

This module knows descriptors, not terminals: raw mode and window sizes are the caller's.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.websocket import WebSocket, open_websocket

READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Command:
    """What to run. Without a size of a terminal (columns, rows) it runs without one."""

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    group: int = 0
    directory: str = ""
    terminal_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Streams:
    """Descriptors that a session reads and writes; a stdin of None is at its end at once."""

    stdin: int | None
    stdout: int
    stderr: int


class Session:
    """A running command or an attached console."""

    def __init__(self, connection: Connection, operation: RunningOperation) -> None:
        self._connection = connection
        self._operation = operation
        secrets = cast(dict[str, str], operation.results()["fds"])
        self._control = self._open(secrets["control"])
        self._streams = {name: self._open(secret) for name, secret in secrets.items() if name != "control"}

    def resize(self, columns: int, rows: int) -> None:
        """Tell the other side the size of the terminal."""
        self._tell({"command": "window-resize", "args": {"width": str(columns), "height": str(rows)}})

    def signal(self, number: int) -> None:
        """Send a signal to the command."""
        self._tell({"command": "signal", "signal": number})

    def detach(self) -> None:
        """Close the streams; a console stays, a command loses its terminal."""
        for websocket in self._streams.values():
            websocket.close()

    def run(self, streams: Streams) -> int:
        """Move bytes until the command has ended, and return its exit code (0 for a console).

        Reading of stdin goes on in a daemon thread that is left behind: it may be blocked in a read.
        """
        if streams.stdin is not None:
            threading.Thread(target=self._feed, args=(self._streams["0"], streams.stdin), daemon=True).start()
        else:
            self._streams["0"].send("")
        if "1" not in self._streams:
            _drain(self._streams["0"], streams.stdout)
        else:
            second = threading.Thread(target=_drain, args=(self._streams["2"], streams.stderr), daemon=True)
            second.start()
            _drain(self._streams["1"], streams.stdout)
            second.join()
            self._operation.wait()  # a command may go on after it has closed its output
        self._control.close()
        self.detach()  # some servers end the operation of a terminal only when its streams are closed
        results = self._operation.wait()["metadata"] or {}
        return int(str(results.get("return", 0)))

    def _feed(self, websocket: WebSocket, descriptor: int) -> None:
        while chunk := os.read(descriptor, READ_BYTES):
            if not websocket.send(chunk):
                return
        websocket.send("")

    def _tell(self, message: Mapping[str, object]) -> None:
        self._control.send(json.dumps(message))

    def _open(self, secret: str) -> WebSocket:
        path = path_of("operations", self._operation.id, "websocket")
        return open_websocket(self._connection, path, {"secret": secret})


def _drain(websocket: WebSocket, descriptor: int) -> None:
    """Write what arrives until the stream's end, which is an empty text message or the end of the websocket."""
    for message in websocket.messages():
        if isinstance(message, str):
            if not message:
                return
            message = message.encode()
        view = memoryview(message)
        while view:
            view = view[os.write(descriptor, view) :]


def start_command(connection: Connection, instance: str, command: Command) -> Session:
    """Run a command inside a running instance."""
    columns, rows = command.terminal_size or (0, 0)
    body = {
        "command": list(command.words),
        "environment": dict(command.environment),
        "user": command.user,
        "group": command.group,
        "cwd": command.directory,
        "interactive": command.terminal_size is not None,
        "width": columns,
        "height": rows,
        "wait-for-websocket": True,
        "record-output": False,
    }
    return Session(connection, begin(connection, "POST", path_of("instances", instance, "exec"), body))


def attach_console(connection: Connection, instance: str, terminal_size: tuple[int, int]) -> Session:
    """Attach to the console of a running instance."""
    columns, rows = terminal_size
    body = {"type": "console", "width": columns, "height": rows}
    return Session(connection, begin(connection, "POST", path_of("instances", instance, "console"), body))
