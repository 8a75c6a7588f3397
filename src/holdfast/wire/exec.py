"""Commands and consoles of an instance."""

from __future__ import annotations

import msgspec


class ExecPost(msgspec.Struct, kw_only=True):
    command: list[str] = []
    wait_for_websocket: bool = msgspec.field(name="wait-for-websocket", default=False)
    interactive: bool = False
    environment: dict[str, str] = {}
    width: int = 0
    height: int = 0
    record_output: bool = msgspec.field(name="record-output", default=False)
    user: int = 0
    group: int = 0
    cwd: str = ""


class ConsolePost(msgspec.Struct, kw_only=True):
    width: int = 0
    height: int = 0
    type: str = "console"


class WindowSize(msgspec.Struct, kw_only=True):
    """Digits as text, as clients send them."""

    width: str = ""
    height: str = ""


class ControlMessage(msgspec.Struct, kw_only=True):
    """What comes over the control websocket: `window-resize` with `args`, or `signal`."""

    command: str = ""
    args: WindowSize = msgspec.field(default_factory=WindowSize)
    signal: int = 0
