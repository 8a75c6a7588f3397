"""An instance, or one snapshot of it, sent to another server; nothing is changed here.

Where clones cost nothing the main tree is sent from one, so that it is of one moment. Elsewhere it is read in place:
nobody can start or stop the instance meanwhile, and one that runs is sent twice if the other side knows that, the
second time, which is short, while it stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.archive.definition import Definition, to_config
from holdfast.db import sent_copies
from holdfast.migration import source
from holdfast.migration.agreement import Agreement
from holdfast.migration.channels import Connector, ControlChannel, DataChannel
from holdfast.migration.header import Criu, FsType, Header
from holdfast.migration.index import IndexHeader, instance_index, snapshot_index
from holdfast.model.errors import BadRequestError, NotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.model.sent_copy import SentCopy
from holdfast.service.caller import Caller
from holdfast.service.instance_requests import SendRequest
from holdfast.service.intents import Intent
from holdfast.service.migration_content import offered_bases, own_features, send_part, shown, ways_of
from holdfast.service.migration_records import sent_map, sent_snapshot
from holdfast.service.migration_streams import StreamedVolume, send_streams
from holdfast.service.migration_work import start_sending
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources
from holdfast.service.stillness import still, thaw
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.transfer_bases import SentBase, TransferBases
from holdfast.storage.driver import Driver, Origin

INTENT_KIND: Final = "migration-send"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scene:
    """What is sent, while the instance is held."""

    instance: Instance
    snapshots: tuple[Snapshot, ...]
    driver: Driver
    intent: Intent
    is_running: bool


class MigrationSource:
    """Sends instances."""

    def __init__(self, surroundings: Surroundings, bases: TransferBases) -> None:
        self._around, self._bases = surroundings, bases

    def send(self, caller: Caller, request: SendRequest, connector: Connector) -> Operation:
        """Start to send; what isn't there is refused before this returns."""
        instance = self._around.instance(caller.project, request.name)
        if request.snapshot is not None:
            self._snapshot(instance, request.snapshot)
        if request.live and self._around.status(instance) is not StatusCode.STOPPED:
            raise BadRequestError(
                "Live migration is not supported for containers: stop the instance, or copy it with --stateless"
            )

        def send(control: ControlChannel, data: DataChannel, handle: OperationHandle) -> None:
            self._send(caller, request, control, data, handle)

        description = "Migrating instance" if request.snapshot is None else "Transferring snapshot"
        resources = instance_resources(caller.project, request.name)
        return start_sending(self._around.operations, caller, description, connector, resources, send)

    def finish(self, intent: Intent) -> None:
        """Take back what a transfer left: a clone, an instance that stands still. Idempotent: recovery calls it."""
        thaw(self._around, intent)
        driver = self._around.pools.driver(intent.text("pool"))
        for number in range(intent.number("trees")):
            driver.discard(intent.token(number))
        self._around.intents.close(intent)

    def _send(
        self, caller: Caller, request: SendRequest, control: ControlChannel, data: DataChannel, handle: OperationHandle
    ) -> None:
        with self._scene(caller.project, request) as scene:
            with self._bases.sending(scene.instance, scene.driver) as bases:
                header = self._header(scene, request, bases)
                agreement = source.offer(control, data, header, ways_of(scene.driver, data))
                source.send_index(data, self._index(scene, request), agreement)
                if agreement.has_streams:
                    sent = StreamedVolume(
                        driver=scene.driver,
                        volume=volume_of(scene.instance),
                        snapshots=tuple(each.name for each in scene.snapshots),
                        only=request.snapshot,
                    )
                    show = shown(handle, request.name)
                    send_streams(sent, scene.intent, agreement, data, show, handle.is_cancelled, bases)
                else:
                    self._send_trees(scene, request, agreement, data, handle)
                source.finish(control)
            if request.snapshot is None:
                self._remember(caller, scene.instance)

    @staticmethod
    def _header(scene: _Scene, request: SendRequest, bases: SentBase) -> Header:
        is_second = scene.is_running and not scene.driver.features.cheap_snapshots and request.snapshot is None
        names = [each.name for each in scene.snapshots]
        there = offered_bases(scene.driver, volume_of(scene.instance), names, bases.usable)
        return Header(
            fs=FsType.RSYNC,
            own=own_features(scene.driver, there),
            criu=Criu.NONE if is_second else None,
            idmap=sent_map(scene.instance),
            snapshots=tuple(sent_snapshot(each) for each in scene.snapshots),
            predump=False,
        )

    def _remember(self, caller: Caller, instance: Instance) -> None:
        """Note who has a copy of the whole instance now, as far as this side knows."""
        who = caller.requestor
        if who is None:
            return
        sent = SentCopy(protocol=who.protocol, username=who.username, sent_at=self._around.clock.now())
        with self._around.database.write() as connection:
            sent_copies.record(connection, instance.project, instance.name, sent)

    def _send_trees(
        self, scene: _Scene, request: SendRequest, agreement: Agreement, data: DataChannel, handle: OperationHandle
    ) -> None:
        driver, volume, show = scene.driver, volume_of(scene.instance), shown(handle, request.name)

        def send(tree: Path, name: str | None = None, *, may_vanish: bool = False) -> None:
            send_part(driver, tree, name, agreement, data, show, handle, may_vanish=may_vanish)

        for name in agreement.wanted:
            send(driver.path(volume, name), name)
        if request.snapshot is not None:
            send(driver.path(volume, request.snapshot))
        elif driver.features.cheap_snapshots:
            send(driver.stage(scene.intent.token(), Origin(volume=volume)))
        elif not scene.is_running:
            send(driver.path(volume))
        else:
            if agreement.is_twice:
                send(driver.path(volume), may_vanish=True)
            held = nullcontext() if request.allow_inconsistent else still(self._around, scene.intent, scene.instance)
            with held:
                send(driver.path(volume), may_vanish=request.allow_inconsistent)

    @contextmanager
    def _scene(self, project: str, request: SendRequest) -> Iterator[_Scene]:
        """Hold the instance for as long as its trees are read."""
        found = self._around.instance(project, request.name)
        is_cheap = self._around.driver(found).features.cheap_snapshots
        hold = self._around.shared if is_cheap else self._around.powered
        with hold(project, request.name, "copy") as instance:
            driver = self._around.driver(instance)
            is_alone = request.instance_only or request.snapshot is not None
            snapshots = () if is_alone else tuple(self._around.snapshot_list(instance))
            intent = self._around.intents.open(
                INTENT_KIND,
                {
                    "project": project,
                    "instance": instance.name,
                    "pool": instance.pool,
                    "trees": len(snapshots) + 1,
                },
            )
            try:
                yield _Scene(
                    instance=instance,
                    snapshots=snapshots,
                    driver=driver,
                    intent=intent,
                    is_running=self._around.status(instance) is not StatusCode.STOPPED,
                )
            finally:
                self.finish(intent)

    def _index(self, scene: _Scene, request: SendRequest) -> IndexHeader:
        profiles = tuple(self._around.profiles.for_instance(scene.instance.project, scene.instance.profiles))
        definition = Definition(instance=scene.instance, snapshots=scene.snapshots, profiles=profiles)
        make = instance_index if request.snapshot is None else snapshot_index
        return make(to_config(definition, scene.driver.pool))

    def _snapshot(self, instance: Instance, name: str) -> Snapshot:
        for snapshot in self._around.snapshot_list(instance):
            if snapshot.name == name:
                return snapshot
        raise NotFoundError(f"Snapshot {instance.name}/{name} does not exist")
