"""URLs of objects, for `resources` of operations and `source` of events, in LXD's spelling."""

from __future__ import annotations

from urllib.parse import quote

from holdfast.model.entities import entity_path
from holdfast.model.kinds import DEFAULT_PROJECT, InstanceType
from holdfast.model.protection import Protection


def url(*segments: str, project: str = DEFAULT_PROJECT) -> str:
    """Return `/1.0/<segments>`, each one escaped, with the project when it isn't the default one."""
    path = entity_path(*segments)
    return path if project == DEFAULT_PROJECT else f"{path}?project={quote(project, safe='')}"


def instance_url(project: str, name: str) -> str:
    return url("instances", name, project=project)


def copies_url(protection: Protection) -> str:
    """Return what names a protection as a user of the place that its copies go to, for those who may see into that."""
    return url("protections", protection.name, project=protection.target_project)


def snapshot_url(project: str, instance: str, snapshot: str) -> str:
    return url("instances", instance, "snapshots", snapshot, project=project)


def backup_url(project: str, instance: str, backup: str) -> str:
    return url("instances", instance, "backups", backup, project=project)


def instance_resources(
    project: str, *names: str, instance_type: InstanceType = InstanceType.CONTAINER
) -> dict[str, tuple[str, ...]]:
    """Return `resources` of an operation on instances; containers are named under LXD's older key, too."""
    resources = {"instances": tuple(instance_url(project, name) for name in names)}
    if instance_type is InstanceType.CONTAINER:
        resources["containers"] = tuple(url("containers", name, project=project) for name in names)
    return resources


def backups_resource(project: str, backup: str) -> dict[str, tuple[str, ...]]:
    """Return what names an export: LXD 5.0's client reads the backup's name from `/1.0/backups/<name>`."""
    return {"backups": (url("backups", backup, project=project),)}


def volume_url(pool: str, project: str, name: str) -> str:
    return url("storage-pools", pool, "volumes", "custom", name, project=project)


def volume_snapshot_url(pool: str, project: str, name: str, snapshot: str) -> str:
    return url("storage-pools", pool, "volumes", "custom", name, "snapshots", snapshot, project=project)


def volume_backup_url(pool: str, project: str, name: str, backup: str) -> str:
    return url("storage-pools", pool, "volumes", "custom", name, "backups", backup, project=project)


def volume_resources(pool: str, project: str, name: str) -> dict[str, tuple[str, ...]]:
    """Return `resources` of an operation on a custom volume."""
    return {"storage_volumes": (volume_url(pool, project, name),)}
