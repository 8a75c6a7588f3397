"""From what clients send about instances to what the services understand."""

from __future__ import annotations

from typing import TypeVar

from msgspec import UnsetType

from holdfast.model.errors import BadRequestError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import InstanceType
from holdfast.server.image_sources import remote_image
from holdfast.service.instance_requests import (
    FromCopy,
    FromImage,
    FromMigration,
    FromNothing,
    FromRemoteImage,
    InstanceRequest,
    MoveRequest,
    SendRequest,
    Source,
)
from holdfast.wire import instance as wire

Value = TypeVar("Value")


def new_instance(sent: wire.InstancesPost) -> tuple[InstanceRequest, Source | FromMigration]:
    if sent.instance_type:
        raise BadRequestError(
            f"Provided instance type doesn't exist: {sent.instance_type} (give limits.cpu and limits.memory instead)"
        )
    wanted = InstanceRequest(
        name=sent.name,
        type=instance_type(sent.type),
        architecture=sent.architecture,
        description=sent.description,
        config=sent.config,
        devices=sent.devices,
        profiles=None if sent.profiles is None else tuple(sent.profiles),
        ephemeral=sent.ephemeral,
        start=sent.start,
    )
    return wanted, _source(sent.source)


def _source(sent: wire.InstanceSource) -> Source | FromMigration:
    match sent.type:
        case "image":
            return _from_image(sent)
        case "none":
            return FromNothing()
        case "copy":
            return _from_copy(sent)
        case "migration":
            return _from_migration(sent)
        case _:
            raise BadRequestError(f"Unknown source type {sent.type}")


def _from_image(sent: wire.InstanceSource) -> FromImage | FromRemoteImage:
    if sent.server:
        return FromRemoteImage(remote_image(sent))
    if not (sent.alias or sent.fingerprint or sent.properties):
        raise BadRequestError("Must specify one of alias, fingerprint or properties for init from image")
    return FromImage(
        alias=sent.alias, fingerprint=sent.fingerprint, properties=sent.properties, project=sent.project or None
    )


def _from_copy(sent: wire.InstanceSource) -> FromCopy:
    name, slash, snapshot = sent.source.partition("/")
    if not name:
        raise BadRequestError("Must specify a source instance")
    return FromCopy(
        name=name,
        snapshot=snapshot if slash else None,
        project=sent.project or None,
        instance_only=sent.instance_only or sent.container_only,
        refresh=sent.refresh,
        keep_snapshots=sent.keep_snapshots,
        allow_inconsistent=sent.allow_inconsistent,
    )


def _from_migration(sent: wire.InstanceSource) -> FromMigration:
    return FromMigration(
        instance_only=sent.instance_only or sent.container_only,
        refresh=sent.refresh,
        keep_snapshots=sent.keep_snapshots,
    )


def send_from(name: str, sent: wire.InstancePost) -> SendRequest:
    """Return what shall go to another server."""
    return SendRequest(
        name=name,
        instance_only=sent.instance_only or sent.container_only,
        live=bool(sent.live),
        allow_inconsistent=sent.allow_inconsistent,
    )


def instance_type(text: str) -> InstanceType | None:
    """Return the type of that name, None for no name."""
    if not text:
        return None
    try:
        return InstanceType(text)
    except ValueError:
        raise BadRequestError(f"Invalid instance type {text}") from None


def change_from(sent: wire.InstancePatch) -> InstanceChange:
    """Return what a PATCH gives; the rest stays."""
    profiles = given(sent.profiles)
    return InstanceChange(
        architecture=given(sent.architecture) or None,
        config=given(sent.config),
        devices=given(sent.devices),
        ephemeral=given(sent.ephemeral),
        profiles=None if profiles is None else tuple(profiles),
        description=given(sent.description),
    )


def move_from(sent: wire.InstancePost) -> MoveRequest:
    """Return where an instance shall go within this server."""
    is_only = sent.instance_only or sent.container_only
    return MoveRequest(name=sent.name, pool=sent.pool, project=sent.project, instance_only=is_only)


def given(value: Value | UnsetType) -> Value | None:
    return None if isinstance(value, UnsetType) else value
