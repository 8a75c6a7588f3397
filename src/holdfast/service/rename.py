"""Renaming an instance, maybe into another project: its volume, files kept beside, and last its record.

A crash takes it back to the old name.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.host.placement import move_new
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import ConflictError
from holdfast.model.instance import Instance, Snapshot
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
                instance = self._around.instance(caller.project, name)
                self.carry_out(caller, instance, replace(instance, name=new_name))

        resources = instance_resources(caller.project, name, instance_type=instance.type)
        return self._around.operations.start(caller, "Renaming instance", work, resources=resources)

    def carry_out(
        self, caller: Caller, instance: Instance, target: Instance, snapshots: Sequence[Snapshot] = ()
    ) -> Instance:
        """Give a stopped instance the name and project of `target`, its record there; the caller holds both names.

        `snapshots` are records that change with it.
        """
        self._around.require_stopped(instance, "Renaming of running container not allowed")
        driver, volume = self._around.driver(instance), volume_of(instance)
        if self._around.exists(target.project, target.name) or driver.exists(volume_of(target)):
            raise ConflictError(f'Name "{target.name}" already in use')
        intent = self._around.intents.open(
            INTENT_KIND,
            {
                "project": instance.project,
                "instance": instance.name,
                "new_project": target.project,
                "new_name": target.name,
            },
        )
        reach("instance-rename:intent")
        try:
            driver.rename(volume, target.name, target.project)
            self._move_beside(_owner(instance), _owner(target))
            reach("instance-rename:renamed")
            renamed = self._record(intent, instance, target, snapshots)
        except BaseException:
            self.undo(intent)
            raise
        reach("instance-rename:committed")
        if renamed.project == instance.project:
            self._around.tell(caller, renamed, "renamed", old_name=instance.name)
        else:  # as LXD tells it, which copies and deletes
            self._around.tell(caller, renamed, "created")
            self._around.tell(caller, instance, "deleted")
        return renamed

    def undo(self, intent: Intent) -> None:
        """Take everything back to the old name, which the record still has. Idempotent: recovery calls it."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        target = replace(instance, project=_new_project(intent), name=intent.text("new_name"))
        self._around.driver(instance).rename(volume_of(target), instance.name, instance.project)
        self._move_beside(_owner(target), _owner(instance))
        self._around.intents.close(intent)

    def _move_beside(self, before: BackupOwner, after: BackupOwner) -> None:
        """Move exports, logs and what the runtime keeps. Done already: nothing."""
        paths = self._around.paths
        self._backup_files.follow(before, after)
        logs = paths.instance_logs(after.project, after.name)
        _move(paths.instance_logs(before.project, before.name), logs)
        key, new_key = instance_key(before.project, before.name), instance_key(after.project, after.name)
        self._around.runtime.rename(key, new_key, logs)

    def _record(self, intent: Intent, instance: Instance, target: Instance, snapshots: Sequence[Snapshot]) -> Instance:
        renamed = replace(target, config={**target.config, CLOUD_INIT_KEY: str(uuid.uuid4())})
        with self._around.database.write() as connection:
            instances_table.rename(connection, instance.project, instance.name, target.name, target.project)
            instances_table.update(connection, renamed)
            for snapshot in snapshots:
                snapshots_table.update(connection, target.project, target.name, snapshot)
            self._around.intents.close(intent, connection)
        return renamed


def names_held(intent: Intent) -> list[str]:
    """Return the locks that the work of an intent holds alone."""
    old, new = intent.text("instance"), intent.text("new_name")
    return [instance_lock(intent.text("project"), old), instance_lock(_new_project(intent), new)]


def _new_project(intent: Intent) -> str:
    """Return where it goes; intents of former versions say it only where it is the same."""
    return intent.text("new_project" if "new_project" in intent.payload else "project")


def _owner(instance: Instance) -> BackupOwner:
    return BackupOwner(project=instance.project, name=instance.name)


def _move(source: Path, target: Path) -> None:
    if source.is_dir() and not target.exists():
        move_new(source, target)
