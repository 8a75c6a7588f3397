"""Renaming an instance: its volume, files kept beside, and last its record. A crash takes it back to the old name."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.host.placement import move_new
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import ConflictError
from holdfast.model.instance import Instance
from holdfast.model.instance_identity import CLOUD_INIT_KEY
from holdfast.model.names import check_instance_name
from holdfast.model.operation import Operation
from holdfast.service.backup_files import BackupFiles
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.locks import instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.paths import instance_key
from holdfast.service.resources import instance_resources
from holdfast.service.surroundings import Surroundings, volume_of

INTENT_KIND: Final = "instance-rename"


class Renamer:
    """Renames instances within their project and pool."""

    def __init__(self, surroundings: Surroundings, backup_files: BackupFiles) -> None:
        self._around, self._backup_files = surroundings, backup_files

    def rename(self, caller: Caller, name: str, new_name: str) -> Operation:
        """Start to rename a stopped instance."""
        instance = self._around.instance(caller.project, name)
        check_instance_name(new_name)
        if self._around.exists(caller.project, new_name):
            raise ConflictError(f'Name "{new_name}" already in use')

        def work(handle: OperationHandle) -> None:
            with self._around.locks.hold(
                instance_lock(caller.project, name), instance_lock(caller.project, new_name), what="rename"
            ):
                self.carry_out(caller, self._around.instance(caller.project, name), new_name)

        resources = instance_resources(caller.project, name, instance_type=instance.type)
        return self._around.operations.start(caller, "Renaming instance", work, resources=resources)

    def carry_out(self, caller: Caller, instance: Instance, new_name: str) -> Instance:
        """Rename a stopped instance; the caller holds both names."""
        self._around.require_stopped(instance, "Renaming of running container not allowed")
        driver, volume = self._around.driver(instance), volume_of(instance)
        if self._around.exists(instance.project, new_name) or driver.exists(volume.renamed(new_name)):
            raise ConflictError(f'Name "{new_name}" already in use')
        intent = self._around.intents.open(
            INTENT_KIND, {"project": instance.project, "instance": instance.name, "new_name": new_name}
        )
        reach("instance-rename:intent")
        try:
            driver.rename(volume, new_name)
            self._move_beside(instance.project, instance.name, new_name)
            reach("instance-rename:renamed")
            renamed = self._record(intent, instance, new_name)
        except BaseException:
            self.undo(intent)
            raise
        reach("instance-rename:committed")
        self._around.tell(caller, renamed, "renamed", old_name=instance.name)
        return renamed

    def undo(self, intent: Intent) -> None:
        """Take everything back to the old name, which the record still has. Idempotent: recovery calls it."""
        project, name, new_name = intent.text("project"), intent.text("instance"), intent.text("new_name")
        instance = self._around.instance(project, name)
        self._around.driver(instance).rename(volume_of(instance).renamed(new_name), name)
        self._move_beside(project, new_name, name)
        self._around.intents.close(intent)

    def _move_beside(self, project: str, name: str, new_name: str) -> None:
        """Move exports, logs and what the runtime keeps. Done already: nothing."""
        paths, key, new_key = self._around.paths, instance_key(project, name), instance_key(project, new_name)
        before, after = BackupOwner(project=project, name=name), BackupOwner(project=project, name=new_name)
        self._backup_files.follow(before, after)
        _move(paths.instance_logs(project, name), paths.instance_logs(project, new_name))
        self._around.runtime.rename(key, new_key, paths.instance_logs(project, new_name))

    def _record(self, intent: Intent, instance: Instance, new_name: str) -> Instance:
        config = {**instance.config, CLOUD_INIT_KEY: str(uuid.uuid4())}
        renamed = replace(instance, name=new_name, config=config)
        with self._around.database.write() as connection:
            instances_table.rename(connection, instance.project, instance.name, new_name)
            instances_table.update(connection, renamed)
            self._around.intents.close(intent, connection)
        return renamed


def _move(source: Path, target: Path) -> None:
    if source.is_dir() and not target.exists():
        move_new(source, target)
