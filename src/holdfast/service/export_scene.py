"""What an export reads: the definition, and trees that hold still while it reads them.

Where a driver clones in no time, everything is cloned under the instance's lock, which is then free again. Elsewhere a
copy would double space and time: the trees are read in place and the lock is held (shared) until the end. Files that a
running instance changes meanwhile are taken as they are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from holdfast.archive.content import ExportContent, SizedStream
from holdfast.archive.definition import Definition
from holdfast.archive.instance_content import instance_content, main_document, optimized_content
from holdfast.archive.layout import BACKUP_YAML
from holdfast.archive.optimized import StreamPlace
from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Database
from holdfast.model.errors import InstanceNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.service.export_part import ExportPart
from holdfast.service.intents import Intent
from holdfast.service.locks import Locks, instance_lock
from holdfast.service.pools import PoolService
from holdfast.service.profiles import ProfileService
from holdfast.service.surroundings import volume_of
from holdfast.storage.driver import Driver, Origin


class ExportScenes:
    """Sets scenes up and takes them down again."""

    def __init__(self, *, database: Database, pools: PoolService, profiles: ProfileService, locks: Locks) -> None:
        self._database, self._pools, self._profiles, self._locks = database, pools, profiles, locks

    def usage_bytes(self, instance: Instance) -> int | None:
        """Return what the instance takes in its pool, where that is known cheaply."""
        return self._pools.driver(instance.pool).usage_bytes(volume_of(instance))

    def has_streams(self, instance: Instance) -> bool:
        """Tell whether the instance's pool has an optimized form of its own."""
        return self._pools.driver(instance.pool).features.optimized_streams

    def check(self, project: str, name: str, part: ExportPart) -> None:
        """Raise if there is no such instance or snapshot."""
        self._definition(project, name, part)

    @contextmanager
    def scene(self, intent: Intent, project: str, name: str, part: ExportPart) -> Iterator[ExportContent]:
        """Give the content, which holds still while the body runs."""
        lock = instance_lock(project, name)
        with self._locks.hold(lock, shared=True, what="backup"):
            definition = self._definition(project, name, part)
            driver = self._pools.driver(definition.instance.pool)
            if not driver.features.cheap_snapshots:
                trees = self._in_place(driver, definition, part)
                yield part.content(instance_content(definition, driver.pool, trees, version=part.version))
                return
            try:
                content = self._staged(driver, definition, intent, part)
            except BaseException:
                _discard(driver, definition, intent)
                raise
        try:
            yield content
        finally:
            _discard(driver, definition, intent)

    def _definition(self, project: str, name: str, part: ExportPart) -> Definition:
        with self._database.read() as connection:
            instance = instances_table.get(connection, project, name)
            if instance is None:
                raise InstanceNotFoundError(name)
            snapshots = snapshots_table.list_for(connection, project, name)
        definition = part.definition(instance, snapshots)
        profiles = self._profiles.for_instance(project, definition.instance.profiles)
        return replace(definition, profiles=tuple(profiles))

    def _in_place(self, driver: Driver, definition: Definition, part: ExportPart) -> dict[str | None, Path]:
        volume = volume_of(definition.instance)
        return {name: driver.path(volume, part.source(name)) for name in _names(definition.snapshots)}

    def _staged(self, driver: Driver, definition: Definition, intent: Intent, part: ExportPart) -> ExportContent:
        """Clone every tree, in no time; what was staged before a failure is for the caller to discard."""
        if part.optimized_storage and driver.features.optimized_streams:
            return _staged_streams(driver, definition, intent, version=part.version)
        volume = volume_of(definition.instance)
        trees = {
            name: driver.stage(intent.token(number), Origin(volume=volume, snapshot=part.source(name)))
            for number, name in enumerate(_names(definition.snapshots))
        }
        return part.content(instance_content(definition, driver.pool, trees, version=part.version))


def _staged_streams(driver: Driver, definition: Definition, intent: Intent, *, version: int) -> ExportContent:
    """Stage read-only copies, each to be sent as its difference to the one before."""
    volume = volume_of(definition.instance)
    streams: list[tuple[StreamPlace, Callable[[], AbstractContextManager[SizedStream]]]] = []
    parent: tuple[str, str] | None = None
    for number, snapshot in enumerate(_names(definition.snapshots)):
        token, name = intent.token(number), StreamPlace(snapshot, "").stream_name
        documents = {} if snapshot else {BACKUP_YAML: main_document(definition, driver.pool)}
        for part in driver.stage_to_send(token, Origin(volume=volume, snapshot=snapshot), name, documents):
            place = StreamPlace(snapshot, part.path, part.is_read_only, part.identity)
            streams.append((place, partial(driver.sending, token, name, part.path, parent)))
        parent = (token, name)
    return optimized_content(definition, driver.pool, streams, version=version, has_header=driver.features.has_parts)


def _discard(driver: Driver, definition: Definition, intent: Intent) -> None:
    for number in range(len(definition.snapshots) + 1):
        driver.discard(intent.token(number))


def _names(snapshots: tuple[Snapshot, ...]) -> list[str | None]:
    return [*(snapshot.name for snapshot in snapshots), None]
