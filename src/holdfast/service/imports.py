"""Export files come in: read, checked, unpacked beside what is there, published, and recorded last."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from holdfast.archive.agreement import check_agreement
from holdfast.archive.definition import IDMAP_KEY, Definition
from holdfast.archive.export_index import ExportIndex, keep_snapshots
from holdfast.archive.idmap import HostMap, parse_host_map
from holdfast.archive.reader import read_backup_config, read_index, read_main_document
from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import (
    ArchiveError,
    BadRequestError,
    ConflictError,
    InstanceNotFoundError,
    InternalError,
    PoolNotFoundError,
    ProfileNotFoundError,
)
from holdfast.model.expand import root_device
from holdfast.model.instance import Config, Device, Instance
from holdfast.model.instance_keys import check_instance_config
from holdfast.model.kinds import InstanceType
from holdfast.model.names import check_instance_name
from holdfast.model.operation import Operation
from holdfast.model.profile import Profile
from holdfast.model.storage import Volume, instance_volume
from holdfast.service.attached_import_plan import Attached, with_volumes
from holdfast.service.attached_volumes import AttachedVolumes, locks_of, locks_of_intent, made
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.import_base import Onto, check_way, find_base
from holdfast.service.import_plan import ImportPlan, ImportTarget, plan_import, wanted_root_pool
from holdfast.service.import_trees import StagedPart, check_form, room_bytes, stage_parts
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock, pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources, instance_url, snapshot_url
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import take_back
from holdfast.storage.driver import Driver, Origin
from holdfast.streams.growing import ArrivingFile

INTENT_KIND: Final = "instance-import"
_DEFAULT_PROFILE: Final = "default"

Adapt = Callable[[ImportPlan, Sequence[Profile]], ImportPlan]
"""Changes what will be recorded; gets the profiles of the instance, too."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Import:
    """One import under way."""

    caller: Caller
    file: ArrivingFile
    index: ExportIndex
    target: ImportTarget
    is_renamed: bool
    adapt: Adapt
    is_replacing: bool = False
    planned: Sequence[Attached | None] = ()
    """What is made of each attached volume in the file; None, or nothing at all: it is only looked at."""
    is_onto: bool = False
    """The file holds a difference to a snapshot of the instance that it is to bring up to date."""

    @property
    def volumes(self) -> list[Attached]:
        return made(self.planned)


class Replacer(Protocol):
    """Puts staged trees in the place of an instance."""

    def replace(
        self,
        caller: Caller,
        instance: Instance,
        plan: ImportPlan,
        stage: Callable[[Intent], None],
        volumes: Sequence[Attached],
        handle: OperationHandle,
        replaced: Sequence[str] | None = None,
    ) -> None: ...


class ImportService:
    """Makes instances from export files; thread-safe."""

    def __init__(self, surroundings: Surroundings, attached: AttachedVolumes) -> None:
        self._database, self._pools, self._profiles = surroundings.database, surroundings.pools, surroundings.profiles
        self._locks, self._intents = surroundings.locks, surroundings.intents
        self._operations, self._events, self._attached = surroundings.operations, surroundings.events, attached
        self.replacer: Replacer | None = None
        """What puts an import in the place of an instance; it needs more of the server than imports do."""

    def restore_file(
        self,
        caller: Caller,
        upload: ArrivingFile,
        name: str | None = None,
        pool: str | None = None,
        devices: Mapping[str, Device] | None = None,
        *,
        config: Config | None = None,
        profiles: Sequence[str] | None = None,
        is_replacing: bool = False,
        without_volumes: bool = False,
        onto: str | None = None,
    ) -> Operation:
        """Start to import the file; it becomes ours: it is removed at the end of the operation, or when this raises.

        `devices`, `config` and `profiles` stand instead of those in the file (`ImportTarget`). With `is_replacing` an
        instance of that name is replaced by the file's, in the pool where it is. Volumes that the file holds are made
        with it, unless `without_volumes`. `onto` names the instance that a file with a difference builds on; that is
        brought up to date, as if the file with all of it took its place, and keeps the snapshots that it has.

        It may still be on its way: the instance appears when all of it is here. What the file's format and index tell
        is checked before this returns, its content by the operation.
        """
        try:
            index = read_index(upload)
            check_way(index, is_onto=onto is not None)
            if onto is not None and (name or is_replacing):
                raise BadRequestError("An import onto an instance has no name of its own, and replaces nothing else")
            final_name = check_instance_name(onto or name or index.name)
            check_instance_config(config or {})
            former = self._found(caller.project, final_name) if is_replacing or onto else None
            if onto is not None:
                if former is None:
                    raise InstanceNotFoundError(onto)
                self._onto(index, former, self._pools.driver(former.pool))
            self._check_pools(devices or {})
            wanted = pool or wanted_root_pool(index.definition, devices or {}) or (former.pool if former else None)
            target = ImportTarget(
                project=caller.project,
                name=final_name,
                pool=self._pool(caller.project, wanted, index),
                devices=devices or {},
                config=config or {},
                profiles=None if profiles is None else tuple(profiles),
            )
            task = _Import(
                caller,
                upload,
                index,
                target,
                is_renamed=bool(name or onto),
                adapt=_as_it_is,
                is_replacing=is_replacing or onto is not None,
                is_onto=onto is not None,
                planned=() if without_volumes else self._planned(target, index, pool),
            )
            return self._operations.start(
                caller,
                "Restoring backup",
                lambda handle: self._work(task, handle),
                resources=instance_resources(caller.project, target.name),
                may_cancel=True,
                if_never_begun=upload.remove,
            )
        except BaseException:
            upload.remove()
            raise

    def plan_volumes(
        self, project: str, index: ExportIndex, pool: str | None, prefix: str
    ) -> Sequence[Attached | None]:
        """Return what `restore_now` shall make of the volumes in the file, named after the prefix and their number."""
        fallback = self._pool(project, pool, index)
        return self._attached.plan(project, index, {}, pool=pool, fallback=fallback, prefix=prefix)

    def restore_now(
        self,
        caller: Caller,
        upload: ArrivingFile,
        name: str,
        pool: str | None,
        adapt: Adapt,
        handle: OperationHandle,
        planned: Sequence[Attached | None] = (),
    ) -> None:
        """Import the file under this name inside an operation that does more; it is removed as by `restore_file`."""
        try:
            index = read_index(upload)
            check_way(index, is_onto=False)
            target = ImportTarget(project=caller.project, name=name, pool=self._pool(caller.project, pool, index))
            task = _Import(caller, upload, index, target, is_renamed=True, adapt=adapt, planned=planned)
        except BaseException:
            upload.remove()
            raise
        self._work(task, handle)

    def undo(self, intent: Intent) -> None:
        """Remove what an import left: staged trees, published ones without a record. Idempotent: recovery calls it."""
        volume = _volume(intent.text("project"), intent.text("name"))
        snapshots = intent.texts("snapshots")
        try:
            driver = self._pools.driver(intent.text("pool"))
        except PoolNotFoundError:
            pass
        else:
            for number, snapshot in enumerate((*snapshots, None)):
                take_back(driver, volume, intent.token(number), snapshot)
            driver.discard(intent.token(len(snapshots) + 1))
        self._attached.undo(intent)
        self._intents.close(intent)

    def _planned(self, target: ImportTarget, index: ExportIndex, pool: str | None) -> list[Attached | None]:
        return self._attached.plan(target.project, index, target.devices, pool=pool, fallback=target.pool)

    def _pool(self, project: str, wanted: str | None, index: ExportIndex) -> str:
        """Return the pool to import into: the wanted one, the file's, or that of the default profile."""
        name = wanted or index.pool
        try:
            self._pools.driver(name)
            return name
        except PoolNotFoundError as error:
            fallback = None if wanted or index.is_optimized else self._default_pool(project)
            if fallback is None:
                raise InternalError(f'Storage pool not found: "{name}"') from error
            return fallback

    def _check_pools(self, devices: Mapping[str, Device]) -> None:
        for name, device in devices.items():
            try:
                if device.get("pool"):
                    self._pools.driver(device["pool"])
            except PoolNotFoundError as error:
                raise BadRequestError(f'Device "{name}": {error}: "{device["pool"]}"') from error

    def _default_pool(self, project: str) -> str | None:
        profile = self._profiles.get(project, _DEFAULT_PROFILE)
        root = root_device(profile.devices)
        return root[1].get("pool") if root else None

    def _work(self, task: _Import, handle: OperationHandle) -> None:
        target = task.target
        pools = {target.pool, *(each.new.volume.pool for each in task.volumes)}
        names = [instance_lock(target.project, target.name), *locks_of(task.volumes)]
        try:
            with (
                self._locks.hold(*map(pool_lock, pools), shared=True, what="create"),
                self._locks.hold(*names, what="create"),
            ):
                driver = self._pools.driver(target.pool)
                _check_kind(task.index, driver)
                former = self._found(target.project, target.name)
                if former is None or not task.is_replacing:
                    self._check_free(driver, target, is_recorded=former is not None)
                self._attached.check(task.volumes)
                definition = _definition(task, room_bytes(driver))
                profiles = self._profiles_of(target.project, target.profile_names(definition.instance))
                plan = plan_import(
                    with_volumes(definition, task.volumes, profiles),
                    target,
                    profiles,
                    new_uuid=lambda: str(uuid.uuid4()),
                )
                plan = task.adapt(plan, profiles)
                if former is not None:
                    self._replace(task, definition, former, plan, driver, handle)
                    return
                if task.is_onto:
                    raise InstanceNotFoundError(target.name)
                self._build(task, definition, plan, driver, handle)
            self._announce(task.caller, plan, task.volumes)
        finally:
            task.file.remove()

    def _found(self, project: str, name: str) -> Instance | None:
        with self._database.read() as connection:
            return instances_table.get(connection, project, name)

    def _check_free(self, driver: Driver, target: ImportTarget, *, is_recorded: bool) -> None:
        text = "Create instance from backup: Cannot restore volume, already exists on target"
        if is_recorded:
            remedy = "import under another name, or replace it (`--replace`)"
            raise ConflictError(f'{text}: There is an instance "{target.name}": {remedy}')
        if driver.exists(_volume(target.project, target.name)):
            raise ConflictError(f'{text}: Pool "{target.pool}" has one of "{target.name}", the database has not')

    def _profiles_of(self, project: str, names: Sequence[str]) -> Sequence[Profile]:
        try:
            return self._profiles.for_instance(project, names)
        except ProfileNotFoundError as error:
            remedy = "make one of this name, or import with other profiles (`--profile`, `--no-profiles`)"
            raise ArchiveError(f'Failed loading profiles for instance: {error}: "{error.name}": {remedy}') from error

    def _build(
        self, task: _Import, definition: Definition, plan: ImportPlan, driver: Driver, handle: OperationHandle
    ) -> None:
        names = [snapshot.name for snapshot in plan.snapshots]
        instance = plan.instance
        intent = self._intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "name": instance.name,
                "pool": instance.pool,
                "snapshots": list(names),
                **self._attached.payload(task.volumes, len(names) + 2),
            },
        )
        try:
            self._stage(task, definition, plan, driver, intent, handle)
            volume = volume_of(instance)
            for number, name in enumerate(names):
                driver.publish_snapshot(intent.token(number), volume, name)
            driver.publish(intent.token(len(names)), volume)
            reach("instance-import:publishing")
            self._attached.publish(intent)
            reach("instance-import:published")
            self._record(intent, plan)
        except BaseException:
            self.undo(intent)
            raise
        reach("instance-import:committed")

    def _replace(
        self,
        task: _Import,
        definition: Definition,
        former: Instance,
        plan: ImportPlan,
        driver: Driver,
        handle: OperationHandle,
    ) -> None:
        """Put what the file holds in the place of an instance that is held alone."""
        if self.replacer is None:
            raise InternalError("This server was built without what replaces instances")

        onto = self._onto(task.index, former, driver) if task.is_onto else None

        def stage(intent: Intent) -> None:
            self._stage(task, definition, plan, driver, intent, handle, onto.base if onto else None)

        replaced = onto.replaced if onto else None
        self.replacer.replace(task.caller, former, plan, stage, task.volumes, handle, replaced)

    def _onto(self, index: ExportIndex, instance: Instance, driver: Driver) -> Onto:
        check_form(index, driver)
        with self._database.read() as connection:
            snapshots = snapshots_table.list_for(connection, instance.project, instance.name)
        return find_base(index, instance, snapshots, driver)

    def _stage(
        self,
        task: _Import,
        definition: Definition,
        plan: ImportPlan,
        driver: Driver,
        intent: Intent,
        handle: OperationHandle,
        base: Origin | None = None,
    ) -> None:
        """Build all trees of the file beside what is there, on stable storage: token n for the n-th, the main last."""
        reach(f"{intent.kind}:intent")
        self._unpack(task, definition, plan, driver, intent, handle, base)
        task.file.remove()  # not needed any more: what of it is only in memory needn't be written out below
        handle.set_may_cancel(may_cancel=False)
        handle.check()
        driver.set_staged_quota(intent.token(len(plan.snapshots)), plan.quota_bytes)
        reach(f"{intent.kind}:staged")
        for number in range(len(plan.snapshots) + 1):
            driver.sync(intent.token(number))
        self._attached.complete(task.volumes, intent)
        reach(f"{intent.kind}:synced")

    def _unpack(
        self,
        task: _Import,
        definition: Definition,
        plan: ImportPlan,
        driver: Driver,
        intent: Intent,
        handle: OperationHandle,
        base: Origin | None = None,
    ) -> None:
        maps: dict[str | None, HostMap | None] = {
            snapshot.name: parse_host_map(snapshot.config.get(IDMAP_KEY, "")) for snapshot in definition.snapshots
        }
        maps[None] = parse_host_map(definition.instance.config.get(IDMAP_KEY, ""))
        main = StagedPart(
            index=task.index,
            driver=driver,
            volume=volume_of(plan.instance),
            tokens=intent,
            host_maps=maps,
            quota_bytes=plan.quota_bytes,
            base=base,
        )
        parts = [main, *self._attached.parts(task.planned, intent)]
        document = stage_parts(task.file, task.index, parts, handle)
        if document is not None:
            there = read_backup_config(document, pool=task.index.pool)
            check_agreement(definition, there, is_renamed=task.is_renamed)

    def _record(self, intent: Intent, plan: ImportPlan) -> None:
        instance = plan.instance
        with self._database.write() as connection:
            instances_table.insert(connection, instance)
            for snapshot in plan.snapshots:
                snapshots_table.insert(connection, instance.project, instance.name, snapshot)
            self._attached.record(connection, intent)
            self._intents.close(intent, connection)

    def _announce(self, caller: Caller, plan: ImportPlan, volumes: Sequence[Attached]) -> None:
        instance = plan.instance
        context = {"storage-pool": instance.pool, "type": instance.type.value}
        source = instance_url(instance.project, instance.name)
        self._events.lifecycle(caller, instance.project, "instance-created", source, **context)
        for snapshot in plan.snapshots:
            source = snapshot_url(instance.project, instance.name, snapshot.name)
            self._events.lifecycle(caller, instance.project, "instance-snapshot-created", source)
        self._attached.tell(caller, volumes)


def locks_of_import(intent: Intent) -> list[str]:
    """Return the locks of what an import makes."""
    return [instance_lock(intent.text("project"), intent.text("name")), *locks_of_intent(intent)]


def clear_incoming(directory: Path) -> None:
    """Remove the uploads that a former run of the server left. Called at its start."""
    for path in directory.iterdir():
        with contextlib.suppress(OSError):
            path.unlink()
            _log.info("removed the unfinished upload %s", path)


def _as_it_is(plan: ImportPlan, _: Sequence[Profile]) -> ImportPlan:
    return plan


def _volume(project: str, name: str) -> Volume:
    return instance_volume(InstanceType.CONTAINER, project, name)


def _check_kind(index: ExportIndex, driver: Driver) -> None:
    if index.volume is not None:
        raise ArchiveError(
            f'Create instance from backup: Invalid instance type. The file holds the custom volume "{index.name}": '
            "import it as a volume"
        )
    if index.type not in set(InstanceType):
        raise ArchiveError("Create instance from backup: Invalid instance type")
    check_form(index, driver)


def _definition(task: _Import, limit_bytes: int) -> Definition:
    """Return what the file describes; an old one says it only in its `backup.yaml`."""
    if task.index.definition is not None:
        return task.index.definition
    found = read_backup_config(read_main_document(task.file, limit_bytes=limit_bytes), pool=task.index.pool)
    return keep_snapshots(found, task.index.snapshots)
