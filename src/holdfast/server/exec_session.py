"""A command with its streams on websockets: pipes or a terminal on one side, the client's sockets on the other.

The client connects one socket per stream (`0` alone for a terminal, else `0`, `1`, `2`) and, if it wants, `control`.
The end of a stream is an empty text frame, in both directions.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from holdfast.model.errors import HoldfastError
from holdfast.model.operation import JsonValue
from holdfast.server.control_socket import obey
from holdfast.server.descriptor_io import Descriptors, EndSignal, read_some, write_all
from holdfast.server.operation_sockets import Meeting
from holdfast.server.process_end import end_of
from holdfast.server.request import ApiRequest
from holdfast.server.terminal import set_size
from holdfast.service.exec import ExecPlan, ExecProcess
from holdfast.service.operation_handle import OperationHandle

CONNECT_S: Final = 30.0
"""How long the client may take to connect its sockets; LXD gives 5 s, which loaded machines miss."""
HANGUP_S: Final = 10.0
"""How long a command may take to end once its client is gone; then it is killed."""
CONTROL: Final = "control"


@dataclass(slots=True)
class ExecSession:
    """One command, from connecting to its exit code."""

    request: ApiRequest
    plan: ExecPlan
    is_interactive: bool
    columns: int = 0
    rows: int = 0
    meetings: dict[str, Meeting] = field(init=False)
    _descriptors: Descriptors = field(default_factory=Descriptors)
    _ended: EndSignal = field(default_factory=EndSignal)
    _is_client_gone: asyncio.Event = field(default_factory=asyncio.Event)
    _terminal: int = -1
    _open_outputs: int = 0

    def __post_init__(self) -> None:
        streams = ("0",) if self.is_interactive else ("0", "1", "2")
        self.meetings = {name: Meeting() for name in (*streams, CONTROL)}

    @property
    def secrets(self) -> dict[str, JsonValue]:
        return {name: meeting.secret for name, meeting in self.meetings.items()}

    async def run(self, handle: OperationHandle) -> None:
        """Go through it and end the operation."""
        try:
            code = await self._run()
        except TimeoutError:
            handle.fail("Timed out waiting for the client to connect its websockets")
        except HoldfastError as error:
            handle.fail(str(error), error.status)
        except OSError as error:
            handle.fail(f"Failed to run the command: {error}", 500)
        else:
            handle.set_metadata(**{"return": code})
            handle.succeed()
        finally:
            self._descriptors.close_all()
            self.request.parts.sockets.forget(handle.id)

    async def _run(self) -> int:
        async with asyncio.timeout(CONNECT_S):
            sockets = {name: await meeting.arrived for name, meeting in self.meetings.items() if name != CONTROL}
        if self.is_interactive:
            process, work = await self._on_terminal(sockets)
        else:
            process, work = await self._on_pipes(sockets)
        outgoing, incoming = work
        self._open_outputs = len(outgoing)
        senders = [asyncio.create_task(each) for each in outgoing]
        others = [asyncio.create_task(each) for each in (*incoming, self._control(process), self._hang_up(process))]
        try:
            code = await end_of(process)
            self._ended.set()
            await asyncio.gather(*senders)
            return code
        finally:
            for task in (*senders, *others):
                task.cancel()
            await asyncio.gather(*senders, *others, return_exceptions=True)

    async def _on_terminal(self, sockets: dict[str, web.WebSocketResponse]) -> tuple[ExecProcess, _Work]:
        service = self.request.services.exec
        master, slave = await self.request.run(service.open_terminal, self.plan)
        self._descriptors.adopt(master)
        self._descriptors.adopt(slave)
        set_size(master, self.columns, self.rows)
        os.set_blocking(master, False)
        self._terminal = master
        process = await self.request.run(service.spawn, self.plan, slave, slave, slave, is_terminal=True)
        self._descriptors.close(slave)
        return process, ([self._send(master, sockets["0"])], [self._receive(sockets["0"], master)])

    async def _on_pipes(self, sockets: dict[str, web.WebSocketResponse]) -> tuple[ExecProcess, _Work]:
        stdin, to_stdin = self._descriptors.pipe()
        from_stdout, stdout = self._descriptors.pipe()
        from_stderr, stderr = self._descriptors.pipe()
        for ours in (to_stdin, from_stdout, from_stderr):
            os.set_blocking(ours, False)
        service = self.request.services.exec
        process = await self.request.run(service.spawn, self.plan, stdin, stdout, stderr, is_terminal=False)
        self._descriptors.close(stdin, stdout, stderr)
        outgoing = [self._send(from_stdout, sockets["1"]), self._send(from_stderr, sockets["2"])]
        incoming = [self._receive(sockets["0"], to_stdin), self._watch(sockets["1"]), self._watch(sockets["2"])]
        return process, (outgoing, incoming)

    async def _send(self, descriptor: int, socket: web.WebSocketResponse) -> None:
        """Send what the command writes; its end as an empty text frame."""
        try:
            while data := await read_some(descriptor, self._ended):
                await socket.send_bytes(data)
            self._open_outputs -= 1
            await socket.send_str("")
        except ConnectionError:
            self._is_client_gone.set()

    async def _receive(self, socket: web.WebSocketResponse, descriptor: int) -> None:
        """Give the command what the client sends. A terminal stays open after its end, a pipe is closed."""
        has_ended = False
        async for message in socket:
            if message.type is WSMsgType.TEXT and not message.data:
                has_ended = True
                if not self.is_interactive:
                    self._descriptors.close(descriptor)
            elif not has_ended and message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                data = message.data.encode() if isinstance(message.data, str) else message.data
                has_ended = not await write_all(descriptor, data)
        if self.is_interactive or not has_ended:
            self._is_client_gone.set()

    async def _watch(self, socket: web.WebSocketResponse) -> None:
        """Read what nobody sends, so that the close is seen and pings are answered."""
        async for _ in socket:
            pass

    async def _control(self, process: ExecProcess) -> None:
        socket = await self.meetings[CONTROL].arrived
        await obey(socket, self._resize, process.signal)
        self._is_client_gone.set()

    def _resize(self, columns: int, rows: int) -> None:
        if self._terminal >= 0:
            set_size(self._terminal, columns, rows)

    async def _hang_up(self, process: ExecProcess) -> None:
        """Tell the command that its client has gone, as a closed terminal does; end one that doesn't listen.

        A client that leaves after the last output was sent has not gone: it has all that it waits for.
        """
        await self._is_client_gone.wait()
        if not self._open_outputs:
            return
        await self.request.run(process.signal, signal.SIGHUP)
        await asyncio.sleep(HANGUP_S)
        await self.request.run(process.signal, signal.SIGKILL)


_Work = tuple[list[Coroutine[None, None, None]], list[Coroutine[None, None, None]]]
"""What runs beside the command: to be awaited at its end, and to be ended with it."""
