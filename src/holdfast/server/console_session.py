"""A console on websockets: the terminal of the instance on one side, the client on the other."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from holdfast.model.errors import HoldfastError
from holdfast.model.operation import JsonValue
from holdfast.server.control_socket import obey
from holdfast.server.descriptor_io import Descriptors, EndSignal, read_some, write_all
from holdfast.server.exec_session import CONNECT_S, CONTROL
from holdfast.server.operation_sockets import Meeting
from holdfast.server.request import ApiRequest
from holdfast.server.terminal import set_size
from holdfast.service.operation_handle import OperationHandle

STREAM: Final = "0"


@dataclass(slots=True)
class ConsoleSession:
    """One client at a console, until one of the two goes."""

    request: ApiRequest
    columns: int
    rows: int
    meetings: dict[str, Meeting] = field(default_factory=lambda: {STREAM: Meeting(), CONTROL: Meeting()})

    @property
    def secrets(self) -> dict[str, JsonValue]:
        return {name: meeting.secret for name, meeting in self.meetings.items()}

    async def run(self, handle: OperationHandle, terminal: int) -> None:
        """Join the two and end the operation; `terminal` is ours to close."""
        descriptors = Descriptors()
        descriptors.adopt(terminal)
        try:
            os.set_blocking(terminal, False)
            set_size(terminal, self.columns, self.rows)
            async with asyncio.timeout(CONNECT_S):
                socket = await self.meetings[STREAM].arrived
            await self._join(terminal, socket)
        except TimeoutError:
            handle.fail("Timed out waiting for the client to connect its websockets")
        except HoldfastError as error:
            handle.fail(str(error), error.status)
        except OSError as error:
            handle.fail(f"The console broke: {error}", 500)
        else:
            handle.succeed()
        finally:
            descriptors.close_all()
            self.request.parts.sockets.forget(handle.id)

    async def _join(self, terminal: int, socket: web.WebSocketResponse) -> None:
        work = (self._send(terminal, socket), self._receive(socket, terminal), self._control(terminal))
        tasks = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, terminal: int, socket: web.WebSocketResponse) -> None:
        never = EndSignal()
        while data := await read_some(terminal, never):
            await socket.send_bytes(data)
        await socket.send_str("")

    async def _receive(self, socket: web.WebSocketResponse, terminal: int) -> None:
        async for message in socket:
            if message.type is WSMsgType.BINARY and not await write_all(terminal, message.data):
                return

    async def _control(self, terminal: int) -> None:
        """Closing the control socket is how `lxc console` leaves."""
        socket = await self.meetings[CONTROL].arrived
        await obey(socket, lambda columns, rows: set_size(terminal, columns, rows), lambda _: None)
