"""One copy of a protection brought up to date: the other server is asked to send, and the sink here receives.

The copy is an instance like any other, so that it can be looked into, exported, started right here or copied back. It
lies still: nothing starts it, no schedule of its own applies to it. What it has of history is ruled by the protection.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from holdfast.client.connection import Connection, path_of
from holdfast.client.endpoints import TlsEndpoint, split_address
from holdfast.client.errors import ClientError
from holdfast.client.instances import Instances
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.shapes import Instance as InstanceShape
from holdfast.client.tls import Identity
from holdfast.client.transfer import Pace
from holdfast.db import instances as instances_table
from holdfast.db import protections as protections_table
from holdfast.model.errors import (
    BadRequestError,
    CancelledOperationError,
    ConflictError,
    HoldfastError,
    InternalError,
    OperationNotFoundError,
)
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import InstanceChange, without_empty
from holdfast.model.kinds import StatusCode
from holdfast.model.protection import ORIGIN_KEY, Protection, check_not_started, copied_settings, is_copy_for
from holdfast.service.caller import Caller
from holdfast.service.copy_history import CopyHistory
from holdfast.service.instance_requests import FromMigration, InstanceRequest
from holdfast.service.instance_schedules import InstanceSchedules
from holdfast.service.migration_dialing import DialedSockets
from holdfast.service.migration_sink import MigrationSink
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.retention import Retention
from holdfast.service.server_certificate import ServerCertificate
from holdfast.service.snapshots import SnapshotService
from holdfast.service.surroundings import Surroundings
from holdfast.service.update import Updater

_log = logging.getLogger(__name__)

_RUNNING: Final = "Running"
_FORMER: Final = "The last state before another instance of this name took its place at the first server"
_NONE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came over: `has_new_snapshots` says whether the other server sent one that isn't older than all here."""

    received_bytes: int
    has_new_snapshots: bool


class Puller:
    """Pulls instances; thread-safe."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        sink: MigrationSink,
        updater: Updater,
        certificate: ServerCertificate,
        snapshots: SnapshotService,
        schedules: InstanceSchedules,
        retention: Retention,
    ) -> None:
        self._around, self._sink, self._updater, self._snapshots = surroundings, sink, updater, snapshots
        self._schedules, self._retention = schedules, retention
        self._identity = Identity(certificate.path, certificate.key_path)

    def connection(self, protection: Protection) -> Connection:
        """Return a connection to the other server, which must show the pinned certificate; we show our own."""
        address, port = split_address(protection.address)
        endpoint = TlsEndpoint(address, port, protection.certificate, self._identity)
        return Connection(endpoint, protection.project)

    def names(self, protection: Protection) -> list[str]:
        """Return the instances there that it is about. Raises `ClientError` if the server can't be asked."""
        found = Instances(self.connection(protection)).list()
        return sorted(each["name"] for each in found if protection.matches(each["name"]))

    def pull(self, protection: Protection, name: str, handle: OperationHandle) -> Pulled:
        """Make the copy, or bring it up to date; until all has arrived and was checked, the old one stays."""
        caller = Caller(project=protection.target_project)
        remote = self.connection(protection)
        there = Instances(remote).get(name)
        origin = (there["config"] or {}).get("volatile.uuid") or str(there["created_at"])
        here = self._check_place(caller, protection, name, origin)
        config, devices = copied_settings(
            there["expanded_config"] or {},
            there["expanded_devices"] or {},
            tuple(there["profiles"]),
            protection if here is None else replace(protection, pool=here.pool),
        )
        config[ORIGIN_KEY] = origin
        if here is not None:
            self._keep_other(caller, name, origin, handle)
        before = {} if here is None else self._times(caller, name)
        request = InstanceRequest(
            name=name,
            architecture=there["architecture"],
            description=there["description"],
            config=config,
            devices=devices,
            profiles=(),
        )
        received = self._transfer(caller, protection, remote, there, request, handle)
        if here is not None:
            self._update(caller, name, there, request)
        newest = max(before.values(), default=_NONE)
        after = self._times(caller, name)
        return Pulled(received, any(time >= newest and each not in before for each, time in after.items()))

    def _check_place(self, caller: Caller, protection: Protection, name: str, origin: str) -> Instance | None:
        """Return the copy if it is here; refuse what isn't one of ours, and one that was started."""
        if not self._around.exists(caller.project, name):
            return None
        found = self._around.instance(caller.project, name)
        with self._around.database.read() as connection:
            others = protections_table.list_all(connection)
        if not is_copy_for(found.config, protection, others, origin):
            raise ConflictError(
                f'There is an instance "{name}" in project "{caller.project}" that is no copy of this protection: '
                "rename it, or have copies kept in another project with --target-project"
            )
        check_not_started(name, found.config)
        self._around.require_stopped(
            found, f'The copy "{name}" runs here, so it is not brought up to date: stop it, or pause the protection'
        )
        return found

    def _keep_other(self, caller: Caller, name: str, origin: str, handle: OperationHandle) -> None:
        """Take a snapshot of the copy before the first state of another instance takes its place: it is the last."""
        with self._around.alone(caller.project, name, "snapshot") as copy:
            known = copy.config.get(ORIGIN_KEY, origin)
            if known == origin:
                return
            point = f"former-{self._around.clock.now():%Y%m%d-%H%M%S}"
            _log.warning("%s is another instance at its home than before: what it was is kept as %s", name, point)
            known_now = replace(copy, config={**copy.config, ORIGIN_KEY: origin})
            self._snapshots.take(
                caller,
                copy,
                point,
                None,
                handle,
                description=_FORMER,
                along=lambda connection: instances_table.update(connection, known_now),
            )

    def _times(self, caller: Caller, name: str) -> dict[str, datetime]:
        """Return when each snapshot of the copy was taken. Older ones come, too, when more are to be kept."""
        found = self._around.snapshot_list(self._around.instance(caller.project, name))
        return {each.name: each.created_at for each in found}

    def _transfer(
        self,
        caller: Caller,
        protection: Protection,
        remote: Connection,
        there: InstanceShape,
        request: InstanceRequest,
        handle: OperationHandle,
    ) -> int:
        """Have it sent and received; return how many bytes came."""
        sending = _ask_to_send(remote, there)
        secrets = {key: str(value) for key, value in (sending.document["metadata"] or {}).items()}
        url = f"{remote.endpoint.url}/1.0/operations/{sending.id}"
        dialed = DialedSockets(url, protection.certificate, secrets, Pace(protection.bytes_per_s))
        history = CopyHistory(
            keep=protection.keep,
            retention=self._retention,
            subject=lambda: self._schedules.subject(caller.project, request.name),
        )
        source = FromMigration(refresh=True, history=history)
        try:
            receiving = self._sink.receive(caller, request, source, dialed)
            handle.on_cancel(lambda: self._cancel(caller, receiving.id))
            ended = self._around.operations.wait(receiving.id, None)
        except BaseException:
            with contextlib.suppress(ClientError):
                sending.cancel()
            raise
        if ended.status is StatusCode.CANCELLED:
            raise CancelledOperationError("The operation was cancelled")
        if ended.status is not StatusCode.SUCCESS:
            with contextlib.suppress(ClientError):
                sending.cancel()
            raise HoldfastError(ended.error)
        return dialed.received_bytes

    def _cancel(self, caller: Caller, receiving: str) -> None:
        """Cancel a transfer, unless it has ended or is too far for that: the others of the run are cancelled then."""
        with contextlib.suppress(BadRequestError, OperationNotFoundError):
            self._around.operations.cancel(caller, receiving)

    def _update(self, caller: Caller, name: str, there: InstanceShape, request: InstanceRequest) -> None:
        """Give a copy that was there the settings that the instance has now."""
        current = self._around.instance(caller.project, name)
        own = {key: value for key, value in current.config.items() if key.startswith("volatile.")}
        config = without_empty({**request.config, **own})
        if (config, dict(request.devices), there["description"]) == (
            dict(current.config),
            dict(current.devices),
            current.description,
        ):
            return
        self._updater.replace(
            caller,
            name,
            InstanceChange(config=config, devices=request.devices, description=there["description"], profiles=()),
        )


def _ask_to_send(remote: Connection, there: InstanceShape) -> RunningOperation:
    body = {
        "name": "",
        "migration": True,
        "live": False,
        "instance_only": False,
        "container_only": False,
        "allow_inconsistent": there["status"] == _RUNNING,
        "pool": "",
        "project": "",
        "target": None,
    }
    sending = begin(remote, "POST", path_of("instances", there["name"]), body)
    if not sending.document["metadata"]:
        raise InternalError(f"{remote.endpoint.host} began to send without telling how to connect")
    return sending
