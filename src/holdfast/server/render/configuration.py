"""The tables of configuration keys as the API shows them: the same that values are checked by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from holdfast.model.config_keys import ConfigKey
from holdfast.model.instance_keys import INSTANCE_KEYS
from holdfast.model.server_keys import PROJECT_KEYS, SERVER_KEYS
from holdfast.model.volume_keys import UUID_KEY, VOLUME_KEYS
from holdfast.wire import configuration as wire

_TYPES: Final = {"bool": "bool", "int": "integer"}
_GROUPS_OF_INSTANCES: Final = {
    "boot": "boot",
    "cloud-init": "cloud-init",
    "limits": "resource-limits",
    "migration": "migration",
    "nvidia": "nvidia",
    "raw": "raw",
    "security": "security",
    "snapshots": "snapshots",
    "volatile": "volatile",
}
_GROUPS_OF_SERVERS: Final = {"core": "core", "images": "images"}
_OTHERS: Final = "miscellaneous"
_VOLUMES: Final = "volume-conf"


def configuration_shape(drivers: Iterable[str]) -> wire.ConfigMetadata:
    """Return all tables; volumes have theirs below each of the storage drivers, as LXD shows them."""
    volumes = {_VOLUMES: _group(key for key in VOLUME_KEYS.keys if key.name != UUID_KEY)}
    return wire.ConfigMetadata(
        configs={
            "instance": _grouped(INSTANCE_KEYS.keys, _GROUPS_OF_INSTANCES),
            "project": {"specific": _group(PROJECT_KEYS.keys)},
            "server": _grouped(SERVER_KEYS.keys, _GROUPS_OF_SERVERS, scope="global"),
            **{f"storage-{driver}": volumes for driver in sorted(drivers)},
        }
    )


def _grouped(keys: Iterable[ConfigKey], groups: dict[str, str], scope: str = "") -> dict[str, wire.ConfigGroup]:
    found: dict[str, list[ConfigKey]] = {}
    for key in keys:
        found.setdefault(groups.get(key.name.partition(".")[0], _OTHERS), []).append(key)
    return {group: _group(found[group], scope) for group in sorted(found)}


def _group(keys: Iterable[ConfigKey], scope: str = "") -> wire.ConfigGroup:
    return wire.ConfigGroup(keys=[{key.name: _option(key, scope)} for key in sorted(keys, key=lambda key: key.name)])


def _option(key: ConfigKey, scope: str) -> wire.ConfigOption:
    return wire.ConfigOption(
        type=_TYPES.get(key.type, "string"),
        shortdesc=key.doc,
        longdesc="",
        defaultdesc=key.default,
        liveupdate="yes" if key.is_live else "no",
        scope=scope,
        kind=key.type,
        only="holdfast" if key.is_ours else "",
    )
