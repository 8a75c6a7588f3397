"""An instance with its snapshots as an export describes it: from our objects to the documents, and back.

Reading returns what the file claims, with names checked; whether this server may have it is for the service to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from holdfast.archive.document_values import ZERO_TIME, pool_entry, strings, text_of, time_of
from holdfast.archive.metadata_versions import as_version_1, as_version_2
from holdfast.archive.own_keys import snapshot_config, spelled_for_lxd, spelled_for_us, with_own_facts
from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.expand import expand_config, expand_devices
from holdfast.model.instance import Devices, Instance, Snapshot
from holdfast.model.kinds import InstanceType, StatusCode
from holdfast.model.names import check_snapshot_name
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool
from holdfast.wire.backup_index import (
    BackupConfig,
    InstanceEntry,
    ProfileEntry,
    SnapshotEntry,
    VolumeEntry,
    VolumeSnapshotEntry,
)

IDMAP_KEY: Final = "volatile.last_state.idmap"
UNSHIFTED: Final = "[]"
_NEVER_USED: Final = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """All that an export says besides the trees. `snapshots` are oldest first; `profiles` those of the instance."""

    instance: Instance
    snapshots: tuple[Snapshot, ...] = ()
    profiles: tuple[Profile, ...] = ()


def to_config(definition: Definition, pool: Pool, version: int = 1) -> BackupConfig:
    """Return the document: version 1 is the one that every LXD reads."""
    instance, snapshots = definition.instance, definition.snapshots
    profiles = _for_lxd(definition.profiles)
    config = BackupConfig(
        container=_instance_entry(instance, profiles),
        snapshots=[_snapshot_entry(snapshot, profiles) for snapshot in snapshots] or None,
        pool=pool_entry(pool),
        profiles=[_profile_entry(profile) for profile in profiles],
        volume=VolumeEntry(
            config={},
            description="",
            name=instance.name,
            type=instance.type.value,
            used_by=[],
            location="none",
            content_type="filesystem",
            project=instance.project,
            created_at=ZERO_TIME,
        ),
        volume_snapshots=[_volume_snapshot_entry(snapshot) for snapshot in snapshots] or None,
    )
    return config if version == 1 else as_version_2(config)


def as_of_snapshot(definition: Definition, snapshot: Snapshot) -> Definition:
    """Return what the instance was when the snapshot was made, for the snapshot's own document."""
    instance = replace(
        definition.instance,
        architecture=snapshot.architecture,
        config=snapshot.config,
        devices=snapshot.devices,
        profiles=snapshot.profiles,
        ephemeral=snapshot.ephemeral,
        stateful=snapshot.stateful,
    )
    named = {profile.name: profile for profile in definition.profiles}
    known = tuple(named[name] for name in snapshot.profiles if name in named)
    return Definition(instance=instance, profiles=known)


def without_expanded(config: BackupConfig) -> BackupConfig:
    """Return the document without what can be computed again, for an instance with very many snapshots."""
    for snapshot in config.snapshots or []:
        if snapshot is not None:
            snapshot.expanded_config = snapshot.expanded_devices = None
    return config


def from_config(config: BackupConfig, *, pool: str) -> Definition:
    """Return what the document describes; `project` of the instance is empty, as the file's has no say here."""
    entry = as_version_1(config).container
    if entry is None:
        raise ArchiveError("Instance definition in backup config is missing")
    created_at = time_of(entry.created_at) or datetime.now(UTC)
    instance = Instance(
        project="",
        name=entry.name or "",
        type=_type(entry.type),
        architecture=entry.architecture or "x86_64",
        description=entry.description or "",
        created_at=created_at,
        last_used_at=time_of(entry.last_used_at),
        ephemeral=bool(entry.ephemeral),
        stateful=bool(entry.stateful),
        profiles=_names(entry.profiles),
        config=spelled_for_us(strings(entry.config)),
        devices=_devices(entry.devices),
        pool=pool,
    )
    snapshots = tuple(_snapshot(each, created_at) for each in config.snapshots or [] if each is not None)
    profiles = tuple(_profile(each) for each in config.profiles or [] if each is not None)
    if len({snapshot.name for snapshot in snapshots}) != len(snapshots):
        raise ArchiveError("Backup config lists a snapshot twice")
    return Definition(instance=instance, snapshots=snapshots, profiles=profiles)


def _for_lxd(profiles: Sequence[Profile]) -> list[Profile]:
    return [replace(profile, config=spelled_for_lxd(profile.config)) for profile in profiles]


def _instance_entry(instance: Instance, profiles: Sequence[Profile]) -> InstanceEntry:
    config = {IDMAP_KEY: UNSHIFTED, **spelled_for_lxd(instance.config)}
    return InstanceEntry(
        architecture=instance.architecture,
        config=dict(config),
        devices=_device_maps(instance.devices),
        ephemeral=instance.ephemeral,
        profiles=list(instance.profiles),
        stateful=instance.stateful,
        description=instance.description,
        created_at=text_of(instance.created_at),
        expanded_config=dict(expand_config(profiles, config)),
        expanded_devices=_device_maps(expand_devices(profiles, instance.devices)),
        name=instance.name,
        status=StatusCode.STOPPED.text,
        status_code=StatusCode.STOPPED.value,
        last_used_at=text_of(instance.last_used_at, absent=_NEVER_USED),
        location="none",
        type=instance.type.value,
        project=instance.project,
    )


def _snapshot_entry(snapshot: Snapshot, profiles: Sequence[Profile]) -> SnapshotEntry:
    named = {profile.name: profile for profile in profiles}
    known = [named[name] for name in snapshot.profiles if name in named]
    config = {IDMAP_KEY: UNSHIFTED, **snapshot_config(snapshot)}
    return SnapshotEntry(
        expires_at=text_of(snapshot.expires_at),
        architecture=snapshot.architecture,
        config=dict(config),
        created_at=text_of(snapshot.created_at),
        devices=_device_maps(snapshot.devices),
        ephemeral=snapshot.ephemeral,
        expanded_config=dict(expand_config(known, config)),
        expanded_devices=_device_maps(expand_devices(known, snapshot.devices)),
        last_used_at=text_of(snapshot.last_used_at),
        name=snapshot.name,
        profiles=list(snapshot.profiles),
        stateful=snapshot.stateful,
        size=-1,
        description=snapshot.description or None,
    )


def _profile_entry(profile: Profile) -> ProfileEntry:
    return ProfileEntry(
        config=dict(profile.config),
        description=profile.description,
        devices=_device_maps(profile.devices),
        name=profile.name,
        used_by=[],
    )


def _volume_snapshot_entry(snapshot: Snapshot) -> VolumeSnapshotEntry:
    return VolumeSnapshotEntry(
        description="",
        expires_at=text_of(snapshot.expires_at),
        name=snapshot.name,
        config={},
        content_type="filesystem",
        created_at=ZERO_TIME,
    )


def _device_maps(devices: Devices) -> dict[str, dict[str, str | None] | None]:
    return {name: dict(device) for name, device in devices.items()}


def _type(text: str | None) -> InstanceType:
    try:
        return InstanceType(text or InstanceType.CONTAINER)
    except ValueError:
        raise ArchiveError("Invalid instance type") from None


def _names(names: Sequence[str | None] | None) -> tuple[str, ...]:
    return tuple(name for name in names or [] if name is not None)


def _devices(devices: Mapping[str, Mapping[str, str | None] | None] | None) -> dict[str, dict[str, str]]:
    return {name: strings(device) for name, device in (devices or {}).items()}


def _snapshot(entry: SnapshotEntry, instance_created_at: datetime) -> Snapshot:
    name = (entry.name or "").rpartition("/")[2]  # old files name them "<instance>/<snapshot>"
    try:
        check_snapshot_name(name)
    except BadRequestError as error:
        raise ArchiveError(f"Backup config lists a snapshot of a bad name: {error}") from error
    found = Snapshot(
        name=name,
        created_at=time_of(entry.created_at) or instance_created_at,
        expires_at=time_of(entry.expires_at),
        last_used_at=time_of(entry.last_used_at),
        architecture=entry.architecture or "x86_64",
        config=strings(entry.config),
        devices=_devices(entry.devices),
        profiles=_names(entry.profiles),
        ephemeral=bool(entry.ephemeral),
        stateful=bool(entry.stateful),
        description=entry.description or "",
    )
    return with_own_facts(found)


def _profile(entry: ProfileEntry) -> Profile:
    return Profile(
        project="",
        name=entry.name or "",
        description=entry.description or "",
        config=spelled_for_us(strings(entry.config)),
        devices=_devices(entry.devices),
    )
