"""The control websocket of commands and consoles: the size of the window, and signals."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import WSMsgType, web

from holdfast.wire.decoding import BadBodyError, decode
from holdfast.wire.exec import ControlMessage

_log = logging.getLogger(__name__)


async def obey(
    socket: web.WebSocketResponse, resize: Callable[[int, int], None], signal: Callable[[int], None]
) -> None:
    """Carry out what comes until the client closes; what can't be understood is logged and passed over."""
    async for message in socket:
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            continue
        raw = message.data.encode() if isinstance(message.data, str) else message.data
        try:
            wanted = decode(raw, ControlMessage)
            if wanted.command == "window-resize":
                resize(int(wanted.args.width), int(wanted.args.height))
            elif wanted.command == "signal" and 0 < wanted.signal < 65:
                signal(wanted.signal)
        except (BadBodyError, ValueError) as error:
            _log.info("Passed over a control message: %s", error)
