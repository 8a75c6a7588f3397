"""What differs between exports of instances and of custom volumes: locks, URLs, words, and how intents name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.db.database import Database
from holdfast.model.backup import BackupOwner
from holdfast.model.operation import JsonValue
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock, instance_lock
from holdfast.service.project_features import VOLUMES, home
from holdfast.service.resources import (
    backup_url,
    backups_resource,
    instance_resources,
    volume_backup_url,
    volume_resources,
)

Resources = dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Descriptions of operations, in LXD's words, and what the names of events begin with."""

    creating: str
    renaming: str
    deleting: str
    event: str


_OF_INSTANCES: Final = Words(
    creating="Backing up instance",
    renaming="Renaming instance backup",
    deleting="Removing instance backup",
    event="instance-backup",
)
_OF_VOLUMES: Final = Words(
    creating="Creating custom volume backup",
    renaming="Renaming custom volume backup",
    deleting="Deleting custom volume backup",
    event="storage-volume-backup",
)


def volume_owner(database: Database, project: str, pool: str, name: str) -> BackupOwner:
    """Return the owner that a project means by a volume's name: its own, or the default project's."""
    with database.read() as connection:
        return BackupOwner(project=home(connection, project, VOLUMES), pool=pool, name=name)


def words_of(owner: BackupOwner) -> Words:
    return _OF_VOLUMES if owner.is_volume else _OF_INSTANCES


def lock_of(owner: BackupOwner) -> str:
    if owner.is_volume:
        return custom_volume_lock(owner.pool, owner.project, owner.name)
    return instance_lock(owner.project, owner.name)


def locks_of_intent(intent: Intent) -> list[str]:
    """Return the lock of the instance or volume that an intent names."""
    return [lock_of(owner_of(intent))]


def url_of(owner: BackupOwner, backup: str) -> str:
    if owner.is_volume:
        return volume_backup_url(owner.pool, owner.project, owner.name, backup)
    return backup_url(owner.project, owner.name, backup)


def resources_of(owner: BackupOwner, backup: str = "") -> Resources:
    """Return `resources` of an operation on the owner, and on one of its backups: `lxc` reads its name from there."""
    if owner.is_volume:
        found = volume_resources(owner.pool, owner.project, owner.name)
    else:
        found = instance_resources(owner.project, owner.name)
    return {**found, **backups_resource(owner.project, backup)} if backup else found


def payload_of(owner: BackupOwner) -> dict[str, JsonValue]:
    """Return what names the owner in an intent."""
    if owner.is_volume:
        return {"project": owner.project, "pool": owner.pool, "volume": owner.name}
    return {"project": owner.project, "instance": owner.name}


def owner_of(intent: Intent) -> BackupOwner:
    """Undo `payload_of`."""
    if "volume" in intent.payload:
        return BackupOwner(project=intent.text("project"), pool=intent.text("pool"), name=intent.text("volume"))
    return BackupOwner(project=intent.text("project"), name=intent.text("instance"))
