"""An instance received from another server: built beside, published when all is here, recorded last.

Staged trees: token n for the n-th snapshot, then the main tree, into which everything is received: after each
snapshot's stream a clone of it becomes that snapshot.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Final

from holdfast.archive.idmap import HostMap, parse_host_map
from holdfast.archive.own_keys import spelled_for_us
from holdfast.archive.received import check_received, take_back_owners, take_document
from holdfast.migration import sink
from holdfast.migration.agreement import Agreement, telling
from holdfast.migration.channels import Connector, ControlChannel, DataChannel
from holdfast.migration.header import Header
from holdfast.migration.negotiation import own_ways
from holdfast.migration.rsync import receive_tree
from holdfast.model.errors import ConflictError, MigrationError
from holdfast.model.expand import expand_devices
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.instance_keys import copied_config
from holdfast.model.operation import Operation
from holdfast.model.root_disk import known_root, root_size_bytes
from holdfast.service.caller import Caller
from holdfast.service.instance_building import Builder, NewInstance
from holdfast.service.instance_requests import FromMigration, InstanceRequest
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock
from holdfast.service.migration_records import received_map, received_snapshot
from holdfast.service.migration_streams import receive_streams
from holdfast.service.migration_work import migrating, operation_kind
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import RateMeter
from holdfast.service.resources import instance_resources
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.storage.driver import Driver, Origin

_log = logging.getLogger(__name__)
_TOP_MODE: Final = 0o100


class MigrationSink:
    """Receives instances."""

    def __init__(self, surroundings: Surroundings, builder: Builder) -> None:
        self._around, self._builder = surroundings, builder

    def receive(
        self, caller: Caller, request: InstanceRequest, source: FromMigration, connector: Connector
    ) -> Operation:
        """Start to receive; what can be checked without the other server is checked before this returns."""
        request = self._prepared(caller, request)
        self._builder.check_profiles(caller.project, request)
        self._plan(caller, request)
        if self._around.exists(caller.project, request.name):
            raise ConflictError(f'Failed creating instance record: Instance "{request.name}" already exists')

        def work(handle: OperationHandle) -> None:
            with migrating(connector, handle) as (control, data):
                try:
                    with telling(control, data):
                        self._receive(caller, request, source, control, data, handle)
                except MigrationError as error:
                    raise MigrationError(f"Error transferring instance data: {error}") from error
                _tell_success(control)

        return self._around.operations.start(
            caller,
            "Creating instance",
            work,
            resources=instance_resources(caller.project, request.name),
            may_cancel=True,
            operation_class=operation_kind(connector),
            metadata=dict(connector.secrets) or None,
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

    def _receive(
        self,
        caller: Caller,
        request: InstanceRequest,
        source: FromMigration,
        control: ControlChannel,
        data: DataChannel,
        handle: OperationHandle,
    ) -> None:
        offer = sink.receive_offer(control)
        if source.instance_only:
            offer = replace(offer, snapshots=())

        def plan() -> NewInstance:
            new = self._plan(caller, request)
            now, pool = self._around.clock.now(), new.instance.pool
            return replace(new, snapshots=tuple(received_snapshot(each, pool, now) for each in offer.snapshots))

        with self._builder.keeping(plan, (instance_lock(caller.project, request.name),)) as new:

            def fill(driver: Driver, intent: Intent) -> None:
                ways = own_ways(has_streams=driver.features.has_btrfs_streams)
                agreement = sink.answer(control, data, offer, ways, offer.snapshots, refresh=False)
                sink.receive_index(data, agreement)
                self._receive_trees(driver, intent, new, offer, agreement, data, handle)
                main = intent.token(len(new.snapshots))
                driver.set_staged_quota(main, root_size_bytes(expand_devices(new.profiles, new.instance.devices)))
                handle.check()
                handle.set_may_cancel(may_cancel=False)

            self._builder.build(caller, new, fill)

    def _receive_trees(
        self,
        driver: Driver,
        intent: Intent,
        new: NewInstance,
        offer: Header,
        agreement: Agreement,
        data: DataChannel,
        handle: OperationHandle,
    ) -> None:
        main, volume = intent.token(len(new.snapshots)), volume_of(new.instance)
        meter = RateMeter()
        if agreement.has_streams:
            self._receive_streams(driver, intent, new, offer, agreement, data, handle)
            return
        tree = driver.stage(main)

        def receive(label: str) -> None:
            receive_tree(
                data,
                tree,
                agreement.rsync(),
                progress=lambda done: handle.progress("fs_progress", f"{label}: {meter.text(done)}"),
            )

        for number, snapshot in enumerate(new.snapshots):
            receive(snapshot.name)
            here = driver.stage(intent.token(number), Origin(volume=volume, staged=main), cancelled=handle.is_cancelled)
            _take_over(here, f'snapshot "{snapshot.name}"', _map_of(offer, snapshot.name))
            if not agreement.deletes:
                driver.discard(main)
                driver.stage(main)
        for _ in range(1 + agreement.is_twice):
            receive(new.instance.name)
        _take_over(tree, "the instance", received_map(offer.idmap))

    def _receive_streams(
        self,
        driver: Driver,
        intent: Intent,
        new: NewInstance,
        offer: Header,
        agreement: Agreement,
        data: DataChannel,
        handle: OperationHandle,
    ) -> None:
        meter = RateMeter()

        def show(name: str | None, done_bytes: int) -> None:
            handle.progress("fs_progress", f"{name or new.instance.name}: {meter.text(done_bytes)}")

        def take_over(number: int, name: str | None) -> bool:
            tree = driver.staged_path(intent.token(number))
            if name is None:
                return _take_over(tree, "the instance", received_map(offer.idmap))
            return _take_over(tree, f'snapshot "{name}"', _map_of(offer, name))

        names = [snapshot.name for snapshot in new.snapshots]
        receive_streams(driver, intent, names, agreement, data, take_over, show, handle.is_cancelled)

    def _plan(self, caller: Caller, request: InstanceRequest) -> NewInstance:
        return self._builder.plan(caller.project, request, {}, "copy")


def _map_of(offer: Header, name: str) -> HostMap | None:
    """Return the owners of a snapshot's tree: as its record says, which is changed when it is taken over."""
    sent = next(each for each in offer.snapshots if each.name == name)
    return parse_host_map(sent.config.get(DISK_MAP_KEY, ""))


def _take_over(tree: Path, where: str, host_map: HostMap | None) -> bool:
    """Check what was received, drop the other server's document, and make the owners those inside.

    Return whether there was nothing to change.
    """
    check_received(tree, where)
    is_same = take_document(tree) is None and host_map is None
    if host_map is not None:
        take_back_owners(tree, host_map)
    facts = tree.stat()
    if (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (0, 0, _TOP_MODE):
        return is_same
    os.chown(tree, 0, 0, follow_symlinks=False)
    tree.chmod(_TOP_MODE)
    return False


def _tell_success(control: ControlChannel) -> None:
    """Tell the other side; here all is stored and recorded, whether it hears that or not."""
    try:
        sink.finish(control)
    except MigrationError as error:
        _log.warning("The other server could not be told that all is stored: %s", error)
