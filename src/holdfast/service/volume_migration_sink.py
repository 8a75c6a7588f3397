"""A custom volume received from another server: built beside, entered when all is here, recorded last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.archive.idmap import HostMap, parse_host_map
from holdfast.archive.own_keys import spelled_for_us
from holdfast.archive.received import take_back_owners
from holdfast.migration import sink
from holdfast.migration.agreement import Agreement
from holdfast.migration.channels import Connector
from holdfast.migration.header import Header, SentSnapshot
from holdfast.migration.index import VolumeFacts, volume_facts
from holdfast.model.errors import ConflictError, MigrationError
from holdfast.model.kinds import ContentType
from holdfast.model.operation import Operation
from holdfast.model.refresh_plan import RefreshPlan, as_known, shared_names
from holdfast.model.volume import DISK_FILE as DISK_NAME
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import size_bytes
from holdfast.service.caller import Caller
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock, pool_lock
from holdfast.service.migration_content import (
    NOTHING,
    Foundation,
    Reception,
    foundation,
    largest_disk_bytes,
    own_features,
    receive_content,
    ways_of,
)
from holdfast.service.migration_streams import StreamPlan, TakeOver
from holdfast.service.migration_work import Receiving, start_receiving
from holdfast.service.resources import volume_resources
from holdfast.service.transfer_bases import ReceivedBases, TransferBases
from holdfast.service.volume_building import TAKEN, NewVolume, VolumeBuilder, copied_snapshot, dress, limit
from holdfast.service.volume_migration_records import MAP_KEY, comparable, received_volume_snapshot
from holdfast.service.volume_refresh import VolumeRefresher
from holdfast.service.volume_requests import VolumeFromServer, VolumeRequest
from holdfast.service.volume_store import VolumeStore
from holdfast.storage.driver import Driver, Origin


class VolumeMigrationSink:
    """Receives volumes."""

    def __init__(
        self, store: VolumeStore, builder: VolumeBuilder, refresher: VolumeRefresher, bases: TransferBases
    ) -> None:
        self._store, self._around = store, store.around
        self._builder, self._refresher, self._bases = builder, refresher, bases

    def receive(
        self, caller: Caller, pool: str, request: VolumeRequest, source: VolumeFromServer, connector: Connector
    ) -> Operation:
        """Start to receive; what can be checked without the other server is checked before this returns."""
        request = replace(request, config=spelled_for_us(request.config))
        target = self._builder.plan(caller.project, pool, request)
        is_there = self._store.exists(target.project, pool, target.name)
        if is_there and not source.refresh:
            raise ConflictError(TAKEN)

        def receive(receiving: Receiving) -> None:
            locks, name = self._around.locks, custom_volume_lock(pool, target.project, target.name)
            with locks.hold(pool_lock(pool), shared=True, what="copy"), locks.hold(name, what="copy"):
                if is_there:
                    there = self._store.at(target.project, pool, target.name)
                    self._refresh(receiving, there, source)
                else:
                    self._make(receiving, self._builder.plan(caller.project, pool, request))

        return start_receiving(
            self._around.operations,
            caller,
            "Creating storage volume",
            connector,
            volume_resources(pool, target.project, target.name),
            receive,
            has_snapshots=not source.volume_only,
        )

    def _make(self, receiving: Receiving, target: CustomVolume) -> None:
        """Make a new volume: names of its snapshots are offered, the rest of their records comes with the index."""
        self._builder.check_free(target)
        with self._bases.receiving(target) as kept:
            agreed = self._agree(receiving, target, receiving.offer.snapshots, NOTHING, refresh=False)
            new = NewVolume(target, self._snapshots(receiving.offer.snapshots, agreed, target))

            def fill(driver: Driver, intent: Intent) -> None:
                self._fill(receiving, agreed, target, intent, [each.name for each in new.snapshots], kept)
                limit(driver, intent.token(len(new.snapshots)), target.content_type, target.config)
                receiving.handle.check()
                receiving.handle.set_may_cancel(may_cancel=False)

            self._builder.build(receiving.caller, new, fill)

    def _refresh(self, receiving: Receiving, target: CustomVolume, source: VolumeFromServer) -> None:
        """Bring a volume that is there up to date."""
        offered, own = receiving.offer.snapshots, self._store.snapshots(target)
        compared = comparable(offered, own)
        there = as_known(compared, own)
        shared = shared_names(compared, there)
        plan = RefreshPlan((), ())
        if not source.volume_only:
            plan = self._refresher.plan(target, compared, there, keep_snapshots=source.keep_snapshots)
        wanted, driver = [each for each in offered if each.name in plan.sent], self._store.driver(target)
        with (
            self._bases.receiving(target) as kept,
            self._bases.usable(target, driver, is_received=True) as usable,
        ):
            found = foundation(driver, target.address, receiving.offer, plan.sent, shared, usable)
            agreed = self._agree(receiving, target, wanted, found, refresh=True)

            def stage(_: Driver, intent: Intent) -> bool:
                return self._fill(receiving, agreed, target, intent, plan.sent, kept)

            new = self._snapshots(wanted, agreed, target)
            self._refresher.exchange(receiving.caller, target, plan, new, stage, receiving.handle)

    def _agree(
        self,
        receiving: Receiving,
        target: CustomVolume,
        wanted: Sequence[SentSnapshot],
        found: Foundation,
        *,
        refresh: bool,
    ) -> _Agreed:
        driver, is_block = self._store.driver(target), target.content_type is ContentType.BLOCK
        ways = ways_of(driver, receiving.data, is_block=is_block, may_stream=found.may_stream)
        agreement = sink.answer(
            receiving.control,
            receiving.data,
            receiving.offer,
            ways,
            wanted,
            own=own_features(driver, found.bases),
            refresh=refresh,
        )
        volume, snapshots = volume_facts(sink.receive_index(receiving.data, agreement))
        if volume.content_type not in ("", target.content_type.value):
            raise MigrationError(f'The content of the source is "{volume.content_type}", not {target.content_type}')
        return _Agreed(agreement, volume, snapshots, found.plan)

    def _fill(
        self,
        receiving: Receiving,
        agreed: _Agreed,
        target: CustomVolume,
        intent: Intent,
        names: Sequence[str],
        kept: ReceivedBases,
    ) -> bool:
        driver, is_there = self._store.driver(target), self._store.driver(target).exists(target.address)
        reception = Reception(
            driver=driver,
            intent=intent,
            volume=target.address,
            names=tuple(names),
            take_over=_taking_over(driver, intent, target, receiving.offer, agreed),
            quota_bytes=size_bytes(target.config),
            template=Origin(volume=target.address) if is_there else None,
            may_share=lambda name: _map_of(receiving.offer, agreed, name) is None,
            plan=agreed.plan,
            kept=kept,
        )
        return receive_content(reception, agreed.agreement, receiving.data, receiving.handle)

    def _snapshots(
        self, sent: Sequence[SentSnapshot], agreed: _Agreed, target: CustomVolume
    ) -> tuple[VolumeSnapshot, ...]:
        now = self._around.clock.now()
        return tuple(
            copied_snapshot(received_volume_snapshot(each, agreed.snapshots.get(each.name), target, now))
            for each in sent
        )


@dataclass(frozen=True, slots=True)
class _Agreed:
    """How it comes, what the index says of it, and what its first stream builds on."""

    agreement: Agreement
    volume: VolumeFacts
    snapshots: dict[str, VolumeFacts]
    plan: StreamPlan | None


def _taking_over(driver: Driver, intent: Intent, target: CustomVolume, offer: Header, agreed: _Agreed) -> TakeOver:
    """Return what checks and dresses each staged tree; files inside are the instances' own, whatever they are."""

    def take_over(number: int, name: str | None) -> bool:
        tree = driver.staged_path(intent.token(number))
        if target.content_type is ContentType.BLOCK:
            _check_disk(tree, largest_disk_bytes(size_bytes(target.config)))
            dress(tree)
        host_map = _map_of(offer, agreed, name)
        if host_map is not None:
            take_back_owners(tree, host_map)
        return host_map is None

    return take_over


def _map_of(offer: Header, agreed: _Agreed, name: str | None) -> HostMap | None:
    """Return the owners of the tree of a snapshot, or of the volume's."""
    sent = agreed.volume if name is None else next(each for each in offer.snapshots if each.name == name)
    return parse_host_map(sent.config.get(MAP_KEY, ""))


def _check_disk(tree: Path, largest_bytes: int) -> None:
    """Raise unless the tree holds a disk, not too large, and nothing else: it is opened by the name of its file."""
    path = tree / DISK_NAME
    if os.listdir(tree) != [DISK_NAME] or path.is_symlink() or not path.is_file():
        raise MigrationError("What was received as a volume of blocks is something else")
    if path.stat().st_size > largest_bytes:
        raise MigrationError(f"The other server sends a disk larger than {largest_bytes} bytes")
