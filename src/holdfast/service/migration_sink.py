"""An instance received from another server: built beside, published when all is here, recorded last.

Staged trees: token n for the n-th snapshot, then the main tree, into which everything is received: after each
snapshot's stream a clone of it becomes that snapshot.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from holdfast.archive.idmap import HostMap, parse_host_map
from holdfast.archive.layout import Layout
from holdfast.archive.own_keys import spelled_for_us
from holdfast.archive.received import check_received, take_back_owners, take_document
from holdfast.migration import sink
from holdfast.migration.agreement import Agreement
from holdfast.migration.channels import Connector
from holdfast.migration.header import Header, OwnFeatures, SentSnapshot
from holdfast.migration.negotiation import Way
from holdfast.model.errors import (
    ConflictError,
    UnsupportedError,
)
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.instance_identity import UNSHIFTED
from holdfast.model.instance_keys import copied_config
from holdfast.model.kinds import InstanceType
from holdfast.model.names import check_instance_name
from holdfast.model.operation import Operation
from holdfast.model.protection import check_not_started
from holdfast.model.refresh_plan import RefreshPlan, as_known, keeping_others, shared_names
from holdfast.model.root_disk import known_root, root_size_bytes
from holdfast.service.caller import Caller
from holdfast.service.instance_building import Builder, NewInstance
from holdfast.service.instance_requests import FromMigration, InstanceRequest
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock
from holdfast.service.migration_content import Reception, foundation, own_features, receive_content, ways_of
from holdfast.service.migration_records import received_map, received_snapshot
from holdfast.service.migration_streams import TakeOver
from holdfast.service.migration_work import Receiving, start_receiving
from holdfast.service.refresh import Refresher
from holdfast.service.resources import instance_resources
from holdfast.service.snapshots import SnapshotService
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.transfer_bases import TransferBases
from holdfast.storage.driver import Driver, Origin

_log = logging.getLogger(__name__)
_TOP_MODE: Final = 0o100


class MigrationSink:
    """Receives instances."""

    def __init__(
        self,
        surroundings: Surroundings,
        builder: Builder,
        refresher: Refresher,
        snapshots: SnapshotService,
        bases: TransferBases,
    ) -> None:
        self._around, self._builder, self._refresher = surroundings, builder, refresher
        self._snapshots, self._bases = snapshots, bases

    def receive(
        self, caller: Caller, request: InstanceRequest, source: FromMigration, connector: Connector
    ) -> Operation:
        """Start to receive; what can be checked without the other server is checked before this returns."""
        if request.type not in (None, InstanceType.CONTAINER):
            raise UnsupportedError("Virtual machines can't be received by this server yet")
        check_instance_name(request.name)
        is_there = self._around.exists(caller.project, request.name)
        if is_there and not source.refresh:
            raise ConflictError(f'Failed creating instance record: Instance "{request.name}" already exists')
        if not is_there:
            self._builder.check_profiles(caller.project, request)
            request = self._prepared(caller, request)
            self._builder.plan(caller.project, request, {}, "copy")

        def receive(receiving: Receiving) -> None:
            if is_there:
                self._refresh(receiving, request.name, source)
            else:
                self._make(receiving, request, source)

        return start_receiving(
            self._around.operations,
            caller,
            "Creating instance",
            connector,
            instance_resources(caller.project, request.name),
            receive,
            has_snapshots=not source.instance_only,
        )

    def _prepared(self, caller: Caller, request: InstanceRequest) -> InstanceRequest:
        """Take the settings as the other server's client sends them: with its pools, and its spelling of our keys."""
        profiles = self._around.profiles.for_instance(caller.project, self._builder.profile_names(request))
        pools = [pool.name for pool in self._around.pools.list()]
        return replace(
            request,
            config=copied_config(spelled_for_us(request.config)),
            devices=known_root(request.devices, profiles, pools),
        )

    def _make(self, receiving: Receiving, request: InstanceRequest, source: FromMigration) -> None:
        """Make a new instance."""
        caller, offer = receiving.caller, receiving.offer

        def plan() -> NewInstance:
            new = self._builder.plan(caller.project, request, {}, "copy")
            now, pool = self._around.clock.now(), new.instance.pool
            received = (_recorded(each, offer, pool, now, source) for each in offer.snapshots)
            return replace(new, snapshots=tuple(received))

        with (
            self._builder.keeping(plan, (instance_lock(caller.project, request.name),)) as new,
            self._bases.receiving(new.instance) as kept,
        ):
            quota_bytes = root_size_bytes(expand_devices(new.profiles, new.instance.devices))

            def fill(driver: Driver, intent: Intent) -> None:
                ways, own = ways_of(driver, receiving.data), own_features(driver)
                agreement = _agree(receiving, ways, own, offer.snapshots, refresh=False)
                reception = Reception(
                    driver=driver,
                    intent=intent,
                    volume=volume_of(new.instance),
                    names=tuple(snapshot.name for snapshot in new.snapshots),
                    take_over=_taking_over(offer, driver, intent),
                    quota_bytes=quota_bytes,
                    kept=kept,
                )
                receive_content(reception, agreement, receiving.data, receiving.handle)
                driver.set_staged_quota(intent.token(len(new.snapshots)), quota_bytes)
                receiving.handle.check()
                receiving.handle.set_may_cancel(may_cancel=False)

            self._builder.build(caller, new, fill)

    def _refresh(self, receiving: Receiving, name: str, source: FromMigration) -> None:
        """Bring an instance that is there up to date."""
        caller, offer, now = receiving.caller, receiving.offer, self._around.clock.now()
        with (
            self._around.alone(caller.project, name, "refresh") as target,
            self._bases.receiving(target) as kept,
            self._bases.usable(target, self._around.driver(target), is_received=True) as usable,
            self._bases.of_snapshots(target, self._around.driver(target)) as of_snapshots,
        ):
            offered = [_recorded(each, offer, target.pool, now, source) for each in offer.snapshots]
            there = as_known(offered, self._around.snapshot_list(target))
            shared = shared_names(offered, there)
            if source.history is not None:
                check_not_started(name, target.config)
                offered = source.history.wanted(offered, there)
                self._set_aside(caller, target, offered, there)
                there = as_known(offered, self._around.snapshot_list(target))
            plan = RefreshPlan((), ())
            if not source.instance_only:
                plan = self._refresher.plan(target, offered, there, keep_snapshots=source.keep_snapshots)
            if source.history is not None:
                plan = keeping_others(plan)

            def stage(driver: Driver, intent: Intent) -> bool:
                volume = volume_of(target)
                found = foundation(driver, volume, offer, plan.sent, shared, usable, of_snapshots)
                ways = ways_of(driver, receiving.data, may_stream=found.may_stream)
                wanted = [each for each in offer.snapshots if each.name in plan.sent]
                agreement = _agree(receiving, ways, own_features(driver, found.bases), wanted, refresh=True)
                reception = Reception(
                    driver=driver,
                    intent=intent,
                    volume=volume,
                    names=plan.sent,
                    take_over=_taking_over(offer, driver, intent),
                    template=Origin(volume=volume),
                    may_share=lambda name: _map_of(offer, name) is None,
                    plan=found.plan,
                    kept=kept,
                )
                return receive_content(reception, agreement, receiving.data, receiving.handle)

            new = [each for each in offered if each.name in plan.sent]
            self._refresher.exchange(caller, target, plan, new, stage, receiving.handle, disk_map=UNSHIFTED)

    def _set_aside(
        self, caller: Caller, target: Instance, offered: Sequence[Snapshot], there: Sequence[Snapshot]
    ) -> None:
        """Rename what others come in the place of: what is gone there stays here, also when its name is used again."""
        names = {each.name for each in offered}
        coming = names - shared_names(offered, there)
        for each in there:
            if each.name in coming:
                self._snapshots.set_aside(caller, target, each, names)


def _agree(
    receiving: Receiving, ways: Sequence[Way], own: OwnFeatures, wanted: Sequence[SentSnapshot], *, refresh: bool
) -> Agreement:
    """Answer the offer, and take the index."""
    agreement = sink.answer(receiving.control, receiving.data, receiving.offer, ways, wanted, own=own, refresh=refresh)
    sink.receive_index(receiving.data, agreement)
    return agreement


def _taking_over(offer: Header, driver: Driver, intent: Intent) -> TakeOver:
    """Return what checks and dresses each staged tree."""

    def take_over(number: int, name: str | None) -> bool:
        where = "the instance" if name is None else f'snapshot "{name}"'
        return _take_over(driver.staged_path(intent.token(number)), where, _map_of(offer, name))

    return take_over


def _recorded(sent: SentSnapshot, offer: Header, pool: str, now: datetime, source: FromMigration) -> Snapshot:
    """Return the record of a snapshot, which may be kept longer here than at its source."""
    snapshot = received_snapshot(sent, pool, now)
    return snapshot if source.history is None else source.history.recorded(snapshot, from_ours=offer.own.trees)


def _map_of(offer: Header, name: str | None) -> HostMap | None:
    """Return the owners of a snapshot's tree, as its record says, which is changed when it is taken over; of the
    instance's tree with None.
    """
    if name is None:
        return received_map(offer.idmap)
    sent = next(each for each in offer.snapshots if each.name == name)
    return parse_host_map(sent.config.get(DISK_MAP_KEY, ""))


def _take_over(tree: Path, where: str, host_map: HostMap | None) -> bool:
    """Check what was received, drop the other server's document, and make the owners those inside.

    Return whether there was nothing to change.
    """
    check_received(tree, Layout.INSTANCE, where)
    is_same = take_document(tree) is None and host_map is None
    if host_map is not None:
        take_back_owners(tree, host_map)
    facts = tree.stat()
    if (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (0, 0, _TOP_MODE):
        return is_same
    os.chown(tree, 0, 0, follow_symlinks=False)
    tree.chmod(_TOP_MODE)
    return False
