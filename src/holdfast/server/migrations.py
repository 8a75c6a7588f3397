"""The beginning of a migration: its operation, and the websockets on which the other side connects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from holdfast.model.errors import BadRequestError, UnsupportedError
from holdfast.model.operation import Operation
from holdfast.server.migration_sockets import MigrationSockets
from holdfast.server.request import ApiRequest
from holdfast.service.instance_requests import FromMigration, InstanceRequest, SendRequest
from holdfast.service.migration_dialing import DialedSockets
from holdfast.service.migration_work import Connector
from holdfast.service.volume_requests import VolumeFromServer, VolumeRequest, VolumeSend
from holdfast.wire.instance import InstanceSource
from holdfast.wire.snapshot import MigrationTarget
from holdfast.wire.volume import VolumeSource, VolumeTarget

_CHANNELS = ("control", "fs")


async def send_instance(request: ApiRequest, wanted: SendRequest, target: MigrationTarget | None) -> Operation:
    """Send to whoever connects, or, with a target, to the server that it names."""
    source = request.services.migrations.source
    if target is None:
        return await _awaited(request, lambda connector: source.send(request.caller, wanted, connector))
    dialed = DialedSockets(target.operation, target.certificate, target.secrets)
    return await request.run(source.send, request.caller, wanted, dialed)


async def receive_instance(
    request: ApiRequest, wanted: InstanceRequest, source: FromMigration, sent: InstanceSource
) -> Operation:
    """Receive from whoever connects, or from the server that the source names."""
    sink = request.services.migrations.sink
    if is_awaited(sent.mode, sent.operation):
        return await _awaited(request, lambda connector: sink.receive(request.caller, wanted, source, connector))
    dialed = DialedSockets(sent.operation, sent.certificate, sent.secrets)
    return await request.run(sink.receive, request.caller, wanted, source, dialed)


async def send_volume(request: ApiRequest, wanted: VolumeSend, target: VolumeTarget | None) -> Operation:
    """Send a custom volume, as `send_instance`."""
    source = request.services.volumes.source
    if target is None:
        return await _awaited(request, lambda connector: source.send(request.caller, wanted, connector))
    dialed = DialedSockets(target.operation, target.certificate, target.secrets or {})
    return await request.run(source.send, request.caller, wanted, dialed)


async def receive_volume(
    request: ApiRequest, pool: str, wanted: VolumeRequest, source: VolumeFromServer, sent: VolumeSource
) -> Operation:
    """Receive a custom volume, as `receive_instance`."""
    sink = request.services.volumes.sink
    if is_awaited(sent.mode, sent.operation):
        return await _awaited(request, lambda connector: sink.receive(request.caller, pool, wanted, source, connector))
    dialed = DialedSockets(sent.operation, sent.certificate, sent.secrets or {})
    return await request.run(sink.receive, request.caller, pool, wanted, source, dialed)


def is_awaited(mode: str, operation: str) -> bool:
    """Tell whether the other side connects to us, as in mode "push" (and relay), or we to it, as in mode "pull"."""
    if mode == "push":
        return True
    if mode not in ("", "pull"):
        raise UnsupportedError(f'Mode "{mode}" not implemented')
    if not operation:
        raise BadRequestError("Must specify the operation of the source")
    return False


async def _awaited(request: ApiRequest, start: Callable[[Connector], Operation]) -> Operation:
    """Start an operation that others connect to."""
    sockets = MigrationSockets(_CHANNELS)
    operation = await request.run(start, sockets)
    meetings, loop = request.parts.sockets, asyncio.get_running_loop()
    meetings.expect(operation.id, sockets.meetings.values())

    def forget(_: Operation) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: the server has stopped
            loop.call_soon_threadsafe(meetings.forget, operation.id)

    request.services.operations.when_done(operation.id, forget)
    return operation
