"""What an import makes of a volume file's definition: the records to write, for this server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from holdfast.archive.volume_definition import VolumeDefinition
from holdfast.model.config_keys import is_volatile
from holdfast.model.errors import ArchiveError, VolumeConfigError
from holdfast.model.instance import Config
from holdfast.model.kinds import ContentType
from holdfast.model.names import check_snapshot_name, check_volume_name
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import UUID_KEY, VOLUME_KEYS, check_volume_config
from holdfast.service.volume_building import NewVolume


def plan_volume_import(
    definition: VolumeDefinition,
    *,
    project: str,
    pool: str,
    name: str,
    now: datetime,
    new_uuid: Callable[[], str],
) -> NewVolume:
    """Return what to write. Keys that no volume has here (other drivers' own) are left out, wrong values refused."""
    source = definition.volume
    volume = replace(
        source,
        project=project,
        pool=pool,
        name=check_volume_name(name),
        config=_config(source.config, source.content_type, new_uuid()),
        created_at=min(source.created_at, now),
    )
    _check(volume)
    return NewVolume(volume, tuple(_snapshot(each, volume, new_uuid()) for each in definition.snapshots))


def _snapshot(snapshot: VolumeSnapshot, volume: CustomVolume, identity: str) -> VolumeSnapshot:
    check_snapshot_name(snapshot.name, of="volume")
    config = _config(snapshot.config, volume.content_type, identity)
    _check(replace(volume, config=config))
    return replace(snapshot, config=config)


def _check(volume: CustomVolume) -> None:
    try:
        check_volume_config(volume)
    except VolumeConfigError as error:
        raise ArchiveError(f"The backup can't be taken as it is: {error}") from error


def _config(config: Config, content_type: ContentType, identity: str) -> dict[str, str]:
    known = {key: value for key, value in config.items() if VOLUME_KEYS.find(key) is not None and not is_volatile(key)}
    return {**known, UUID_KEY: identity}
