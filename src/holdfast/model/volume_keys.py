"""The configuration keys of custom volumes, and what a new volume takes over from its pool's `volume.*`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_keys import ConfigKey, is_volatile
from holdfast.model.config_values import is_true
from holdfast.model.errors import BadRequestError, VolumeConfigError
from holdfast.model.kinds import ContentType
from holdfast.model.sizes import parse_bytes
from holdfast.model.snapshot_keys import ScheduledKeyTable, scheduled_keys
from holdfast.model.volume import CustomVolume

UUID_KEY: Final = "volatile.uuid"
"""The identity of a volume, and of each snapshot of one. It is kept, but not shown: real LXD 5.0 refuses the key, and
its client sends what it is shown to the other server of a copy."""

DEFAULT_BLOCK_BYTES: Final = 10 * 1024**3
"""The size of a block volume that is made without one, as in LXD."""

POOL_PREFIX: Final = "volume."

VOLUME_KEYS: Final = ScheduledKeyTable(
    (
        ConfigKey(
            name="size",
            type="size",
            check=values.size,
            doc="How large it may get (block content: how large it is; unset: 10GiB)",
            is_live=True,
        ),
        *scheduled_keys(values.volume_schedule),
        ConfigKey(
            name="security.shifted",
            type="bool",
            check=values.boolean,
            doc="For instances with different id maps; always so here, as owners are mapped by the mount",
            default="false",
        ),
        ConfigKey(
            name="security.unmapped",
            type="bool",
            check=values.boolean,
            doc="Show the owners as they are on the disk, unmapped",
            default="false",
        ),
        ConfigKey(name="volatile.idmap.last", type="string", check=values.any_text, doc="Map of the files, JSON"),
        ConfigKey(name="volatile.idmap.next", type="string", check=values.any_text, doc="Map of the next use, JSON"),
        ConfigKey(name=UUID_KEY, type="uuid", check=values.uuid, doc="Its identity"),
        ConfigKey(name="user.*", type="string", check=values.any_text, doc="Yours", is_live=True),
    )
)
_ONLY_FILES: Final = ("security.shifted", "security.unmapped")


def check_volume_config(volume: CustomVolume) -> None:
    """Raise `VolumeConfigError` for the first key or value that doesn't fit this volume."""
    named = volume.address.storage_name
    for key, value in volume.config.items():
        if VOLUME_KEYS.find(key) is None or (key in _ONLY_FILES and volume.content_type is not ContentType.FILESYSTEM):
            raise VolumeConfigError(f'Invalid option for volume "{named}" option "{key}"')
        try:
            VOLUME_KEYS.check({key: value})
        except BadRequestError as error:
            raise VolumeConfigError(f'Invalid value for volume "{named}" option "{key}": {error}') from error
    if all(is_true(volume.config.get(key)) for key in _ONLY_FILES):
        raise VolumeConfigError("security.unmapped and security.shifted are mutually exclusive")


def check_pool_defaults(config: Mapping[str, str]) -> None:
    """Raise `BadRequestError` for a `volume.*` key of a pool that no volume has, or a value that doesn't fit."""
    for name, value in sorted(config.items()):
        if not name.startswith(POOL_PREFIX):
            continue
        key = name.removeprefix(POOL_PREFIX)
        if VOLUME_KEYS.find(key) is None or is_volatile(key):
            raise BadRequestError(f'Invalid option "{name}"')
        try:
            VOLUME_KEYS.check({key: value})
        except BadRequestError as error:
            raise BadRequestError(f'Invalid value for option "{name}": {error}') from error


def new_config(
    pool_config: Mapping[str, str], given: Mapping[str, str], content_type: ContentType, identity: str
) -> dict[str, str]:
    """Return the config of a new volume: the pool's defaults, over them what is given, and a new identity."""
    defaults = {
        name.removeprefix(POOL_PREFIX): value for name, value in pool_config.items() if name.startswith(POOL_PREFIX)
    }
    if content_type is not ContentType.FILESYSTEM:
        defaults = {name: value for name, value in defaults.items() if name not in _ONLY_FILES}
    merged = {**defaults, **{name: value for name, value in given.items() if not is_volatile(name)}}
    return {**{name: value for name, value in merged.items() if value}, UUID_KEY: identity}


def changed_config(before: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the config after a change: what the server keeps for itself stays as it is."""
    own = {name: value for name, value in before.items() if is_volatile(name)}
    return {**{name: value for name, value in wanted.items() if value and not is_volatile(name)}, **own}


def shown_config(config: Mapping[str, str]) -> dict[str, str]:
    """Return what clients see of a config."""
    return {name: value for name, value in config.items() if name != UUID_KEY}


def size_bytes(config: Mapping[str, str]) -> int | None:
    """Return the limit of a volume, None for none."""
    return parse_bytes(config.get("size", "")) or None
