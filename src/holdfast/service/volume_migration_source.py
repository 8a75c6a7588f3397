"""A custom volume, or one snapshot of it, sent to another server; nothing is changed here.

Where clones cost nothing the volume is sent from one. Elsewhere it is read in place, as it is found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from holdfast.migration import source
from holdfast.migration.channels import Connector, ControlChannel, DataChannel
from holdfast.migration.header import FsType, Header
from holdfast.model.kinds import ContentType
from holdfast.model.operation import Operation
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.service.caller import Caller
from holdfast.service.intents import Intent
from holdfast.service.migration_content import offered_bases, own_features, send_part, shown, ways_of
from holdfast.service.migration_streams import StreamedVolume, send_streams
from holdfast.service.migration_work import start_sending
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import volume_resources
from holdfast.service.transfer_bases import TransferBases
from holdfast.service.volume_migration_records import sent_index, sent_volume_snapshot
from holdfast.service.volume_requests import VolumeSend
from holdfast.service.volume_store import VolumeStore, lock_on, payload_of
from holdfast.storage.driver import Driver, Origin

INTENT_KIND: Final = "volume-migration-send"


class VolumeMigrationSource:
    """Sends volumes."""

    def __init__(self, store: VolumeStore, bases: TransferBases) -> None:
        self._store, self._around, self._bases = store, store.around, bases

    def send(self, caller: Caller, request: VolumeSend, connector: Connector) -> Operation:
        """Start to send; what isn't there is refused before this returns."""
        found = self._store.get(caller.project, request.pool, request.name)
        if request.snapshot is not None:
            self._store.snapshot(found, request.snapshot)

        def send(control: ControlChannel, data: DataChannel, handle: OperationHandle) -> None:
            with self._around.locks.hold(lock_on(found), shared=True, what="copy"):
                self._send(self._store.at(found.project, found.pool, found.name), request, control, data, handle)

        resources = volume_resources(found.pool, found.project, found.name)
        operations = self._around.operations
        return start_sending(operations, caller, "Migrating storage volume", connector, resources, send)

    def finish(self, intent: Intent) -> None:
        """Take back the clones that a transfer left. Idempotent: recovery calls it."""
        driver = self._around.pools.driver(intent.text("pool"))
        for number in range(intent.number("trees")):
            driver.discard(intent.token(number))
        self._around.intents.close(intent)

    def _send(
        self,
        volume: CustomVolume,
        request: VolumeSend,
        control: ControlChannel,
        data: DataChannel,
        handle: OperationHandle,
    ) -> None:
        is_alone = request.volume_only or request.snapshot is not None
        snapshots = () if is_alone else tuple(self._store.snapshots(volume))
        driver = self._store.driver(volume)
        sent_snapshots = tuple(sent_volume_snapshot(each) for each in snapshots)
        ways = ways_of(driver, data, is_block=volume.content_type is ContentType.BLOCK)
        intent = self._around.intents.open(INTENT_KIND, {**payload_of(volume), "trees": len(snapshots) + 1})
        try:
            with self._bases.sending(volume, driver) as bases:
                there = offered_bases(driver, volume.address, _names(snapshots), bases.usable)
                own = own_features(driver, there)
                header = Header(fs=FsType.RSYNC, own=own, snapshots=sent_snapshots)
                agreement = source.offer(control, data, header, ways)
                source.send_index(data, sent_index(volume, snapshots), agreement)
                show = shown(handle, volume.name)
                if agreement.has_streams:
                    sent = StreamedVolume(
                        driver=driver, volume=volume.address, snapshots=_names(snapshots), only=request.snapshot
                    )
                    send_streams(sent, intent, agreement, data, show, handle.is_cancelled, bases)
                else:
                    for name in (*agreement.wanted, None):
                        tree = self._tree(driver, volume, name or request.snapshot, intent)
                        send_part(driver, tree, name, agreement, data, show, handle, may_vanish=name is None)
                source.finish(control)
        finally:
            self.finish(intent)

    def _tree(self, driver: Driver, volume: CustomVolume, snapshot: str | None, intent: Intent) -> Path:
        if snapshot is None and driver.features.cheap_snapshots:
            return driver.stage(intent.token(), Origin(volume=volume.address))
        return driver.path(volume.address, snapshot)


def _names(snapshots: tuple[VolumeSnapshot, ...]) -> tuple[str, ...]:
    return tuple(each.name for each in snapshots)
