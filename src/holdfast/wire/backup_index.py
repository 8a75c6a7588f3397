"""The YAML documents inside an export: `backup/index.yaml` and each tree's `backup.yaml` (metadata versions 1 and 2).

Reading is strict: no aliases, no tags, no key twice, every field of its type; every field may be absent or null.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
import yaml

from holdfast.wire.strict_yaml import StrictYamlError, load

_T = TypeVar("_T")
_Text = str | None
_Flag = bool | None
_Strings = list[str | None] | None
_Config = dict[str, str | None] | None
_Devices = dict[str, dict[str, str | None] | None] | None


class IndexFormatError(ValueError):
    """The document is not what it must be; the text says where."""


class InstanceEntry(msgspec.Struct, kw_only=True):
    """The instance itself: `container` in version 1, also for virtual machines; `instance` in version 2."""

    architecture: _Text = None
    config: _Config = None
    devices: _Devices = None
    ephemeral: _Flag = None
    profiles: _Strings = None
    stateful: _Flag = None
    description: _Text = None
    created_at: _Text = None
    expanded_config: _Config = None
    expanded_devices: _Devices = None
    name: _Text = None
    status: _Text = None
    status_code: int | None = None
    last_used_at: _Text = None
    location: _Text = None
    type: _Text = None
    project: _Text = None


class SnapshotEntry(msgspec.Struct, kw_only=True):
    expires_at: _Text = None
    architecture: _Text = None
    config: _Config = None
    created_at: _Text = None
    devices: _Devices = None
    ephemeral: _Flag = None
    expanded_config: _Config = None
    expanded_devices: _Devices = None
    last_used_at: _Text = None
    name: _Text = None
    profiles: _Strings = None
    stateful: _Flag = None
    size: int | None = None
    description: _Text = None
    """LXD 5.0 doesn't have it and passes over it."""


class PoolEntry(msgspec.Struct, kw_only=True):
    config: _Config = None
    description: _Text = None
    name: _Text = None
    driver: _Text = None
    used_by: _Strings = None
    status: _Text = None
    locations: _Strings = None


class ProfileEntry(msgspec.Struct, kw_only=True):
    config: _Config = None
    description: _Text = None
    devices: _Devices = None
    name: _Text = None
    used_by: _Strings = None


class VolumeEntry(msgspec.Struct, kw_only=True):
    config: _Config = None
    description: _Text = None
    name: _Text = None
    type: _Text = None
    used_by: _Strings = None
    location: _Text = None
    content_type: _Text = None
    project: _Text = None
    created_at: _Text = None
    snapshots: list[VolumeSnapshotEntry | None] | None = None
    """Version 2 only: version 1 has them as `volume_snapshots`."""


class VolumeSnapshotEntry(msgspec.Struct, kw_only=True):
    description: _Text = None
    expires_at: _Text = None
    name: _Text = None
    config: _Config = None
    content_type: _Text = None
    created_at: _Text = None


class BackupConfig(msgspec.Struct, kw_only=True):
    """`backup.yaml`, and `config` of the index.

    | version 1 (`version` is absent) | version 2                             |
    |---------------------------------|---------------------------------------|
    | `container`                     | `instance`                            |
    | `pool`                          | `pools`, that of the root disk first  |
    | `volume`, `volume_snapshots`    | `volumes`, each with its `snapshots`  |
    """

    version: int | None = None
    container: InstanceEntry | None = None
    instance: InstanceEntry | None = None
    snapshots: list[SnapshotEntry | None] | None = None
    pool: PoolEntry | None = None
    profiles: list[ProfileEntry | None] | None = None
    volume: VolumeEntry | None = None
    volume_snapshots: list[VolumeSnapshotEntry | None] | None = None
    pools: list[PoolEntry | None] | None = None
    volumes: list[VolumeEntry | None] | None = None


class PartIndex(msgspec.Struct, kw_only=True):
    """What `backup/index.yaml` says about one instance or volume."""

    name: _Text = None
    backend: _Text = None
    pool: _Text = None
    snapshots: _Strings = None
    optimized: _Flag = None
    optimized_header: _Flag = None
    type: _Text = None
    config: BackupConfig | None = None


class BaseEntry(msgspec.Struct, kw_only=True):
    """The snapshot that a file with a difference builds on; `uuid` is its identity in streams of the driver."""

    snapshot: _Text = None
    created_at: _Text = None
    uuid: _Text = None


class BackupIndex(PartIndex, kw_only=True):
    """`backup/index.yaml`; what stands here is ours.

    Each of `attached_volumes` is as the index of that volume's own file. With `base` the type is "incremental".
    """

    attached_volumes: list[PartIndex | None] | None = None
    base: BaseEntry | None = None


class _Time(str):
    """A time, written without quotes, as LXD's reader wants it."""

    __slots__ = ()


class _Dumper(yaml.CSafeDumper):
    pass


_Dumper.add_representer(_Time, lambda dumper, time: dumper.represent_scalar("tag:yaml.org,2002:timestamp", str(time)))
_TIME_KEYS: Final = frozenset({"created_at", "expires_at", "last_used_at"})


def parse_index(document: bytes) -> BackupIndex:
    """Read `index.yaml`; raise `IndexFormatError`."""
    return _convert(document, BackupIndex)


def parse_backup_config(document: bytes) -> BackupConfig:
    """Read a `backup.yaml`; raise `IndexFormatError`."""
    return _convert(document, BackupConfig)


def dump(value: BackupIndex | BackupConfig) -> bytes:
    """Write the document: keys of structs in LXD's order, keys of maps sorted, absent fields left out."""
    text: bytes = yaml.dump(
        _prune(msgspec.to_builtins(value)),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        encoding="utf-8",
        width=2**20,
    )
    return text


def _convert(document: bytes, wanted: type[_T]) -> _T:
    try:
        return msgspec.convert(load(document), wanted, strict=False)
    except (StrictYamlError, msgspec.ValidationError) as error:
        raise IndexFormatError(str(error)) from error


def _prune(value: Any, key: str = "") -> Any:
    """Drop absent fields, sort free maps, mark times."""
    if isinstance(value, dict):
        names = sorted(value) if key in ("config", "devices", "expanded_config", "expanded_devices") else list(value)
        if key == "config" and not all(isinstance(item, str) for item in value.values()):
            names = list(value)
        return {name: _prune(value[name], name) for name in names if value[name] is not None}
    if isinstance(value, list):
        return [_prune(item) for item in value]
    return _Time(value) if key in _TIME_KEYS and isinstance(value, str) else value
