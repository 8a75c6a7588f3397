"""Moving a custom volume to another pool or project: built there beside, recorded there, and only then removed here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from holdfast.db import volumes as volumes_table
from holdfast.model.errors import BadRequestError, ConflictError, PoolNotFoundError, VolumeNotFoundError
from holdfast.model.names import check_volume_name
from holdfast.model.operation import Operation
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.service.backup_files import BackupFiles
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.locks import pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import volume_resources
from holdfast.service.taking_back import take_back
from holdfast.service.transfer_bases import TransferBases
from holdfast.service.volume_building import TAKEN, limit
from holdfast.service.volume_content import VolumeContent
from holdfast.service.volume_places import follow, moving
from holdfast.service.volume_requests import VolumeMove
from holdfast.service.volume_store import VolumeStore, owner_of, payload_of
from holdfast.service.volume_users import VolumeUsers
from holdfast.storage.driver import Driver

INTENT_KIND: Final = "volume-move"


class VolumeMover:
    """Moves volumes with their snapshots on this server."""

    def __init__(
        self, store: VolumeStore, content: VolumeContent, backup_files: BackupFiles, bases: TransferBases
    ) -> None:
        self._store, self._around, self._content = store, store.around, content
        self._backup_files, self._bases = backup_files, bases

    def move(self, caller: Caller, pool: str, name: str, request: VolumeMove) -> Operation:
        """Start to move; those who show the volume follow to another pool, but none can follow to another project."""
        found = self._store.get(caller.project, pool, name)
        target = replace(
            found,
            project=self._store.home(request.project or caller.project),
            pool=request.pool or pool,
            name=check_volume_name(request.name or name),
        )
        self._around.pools.get(target.pool)
        self._check(found, target, self._store.users(found))

        def work(handle: OperationHandle) -> None:
            with (
                self._backup_files.place.using(),
                self._around.locks.hold(pool_lock(target.pool), shared=True, what="move"),
                moving(
                    self._store, found, project=target.project, pool=target.pool, name=target.name, what="move"
                ) as held,
            ):
                volume, users = held
                self._check(volume, target, users)
                moved = replace(volume, project=target.project, pool=target.pool, name=target.name)
                self._move(volume, moved, users, handle)
            self._store.tell(caller, target, "renamed", old_name=name)

        resources = volume_resources(pool, found.project, name)
        return self._around.operations.start(caller, "Moving storage volume", work, resources=resources)

    def _check(self, volume: CustomVolume, target: CustomVolume, users: VolumeUsers) -> None:
        if self._store.exists(target.project, target.pool, target.name):
            raise ConflictError(TAKEN)
        if self._store.driver(target).exists(target.address):
            raise ConflictError("Volume already exists on storage but not in database")
        if volume.project != target.project and users:
            raise BadRequestError("The storage volume is still in use: detach it before it goes to another project")

    def _move(self, volume: CustomVolume, target: CustomVolume, users: VolumeUsers, handle: OperationHandle) -> None:
        snapshots = self._store.snapshots(volume)
        driver = self._store.driver(target)
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                **payload_of(volume),
                "to_pool": target.pool,
                "to_project": target.project,
                "to_name": target.name,
                "snapshots": [each.name for each in snapshots],
            },
        )
        try:
            reach("volume-move:intent")
            self._content.stage(intent, volume, target, [each.name for each in snapshots], handle)
            limit(driver, intent.token(len(snapshots)), target.content_type, target.config)
            reach("volume-move:staged")
            self._publish(driver, intent, target, snapshots)
            reach("volume-move:published")
            with self._around.database.write() as connection:
                volumes_table.move(connection, volume, target)
                follow(connection, users, volume, target)
                if target.pool != volume.pool:
                    self._bases.forget(connection, target)
        except BaseException:
            self.finish(intent)
            raise
        reach("volume-move:committed")
        self.finish(intent)

    @staticmethod
    def _publish(driver: Driver, intent: Intent, target: CustomVolume, snapshots: Sequence[VolumeSnapshot]) -> None:
        for number in range(len(snapshots) + 1):
            driver.sync(intent.token(number))
        for number, snapshot in enumerate(snapshots):
            driver.publish_snapshot(intent.token(number), target.address, snapshot.name)
        driver.publish(intent.token(len(snapshots)), target.address)

    def finish(self, intent: Intent) -> None:
        """Remove the side where the record says that the volume is not. Idempotent: recovery calls it."""
        try:
            here = self._store.of_intent(intent)
        except VolumeNotFoundError:
            here = None
        there = self._store.exists(intent.text("to_project"), intent.text("to_pool"), intent.text("to_name"))
        if (here is None) is not there:
            raise BadRequestError(f'Volume "{intent.text("volume")}" is in neither or both places of its move')
        with suppress(PoolNotFoundError):  # deleted since, and all that was in it
            if here is None:
                self._remove_origin(intent)
            else:
                self._remove_target(intent, here)
        self._around.intents.close(intent)

    def _remove_origin(self, intent: Intent) -> None:
        moved = self._store.at(intent.text("to_project"), intent.text("to_pool"), intent.text("to_name"))
        origin = replace(moved, pool=intent.text("pool"), project=intent.text("project"), name=intent.text("volume"))
        self._backup_files.follow(owner_of(origin), owner_of(moved))
        driver, count = self._store.driver(origin), len(intent.texts("snapshots"))
        driver.withdraw_all(origin.address, intent.token(count + 1), intent.token(count + 2))
        for number in (count + 1, count + 2):
            driver.discard(intent.token(number))
        self._bases.discard_unrecorded(driver)

    def _remove_target(self, intent: Intent, volume: CustomVolume) -> None:
        target = replace(
            volume, pool=intent.text("to_pool"), project=intent.text("to_project"), name=intent.text("to_name")
        )
        driver, names = self._store.driver(target), intent.texts("snapshots")
        for number, name in enumerate((*names, None)):
            take_back(driver, target.address, intent.token(number), name)
