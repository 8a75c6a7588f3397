"""The table of configuration keys, in the shape of LXD's `GET /1.0/metadata/configuration`."""

from __future__ import annotations

import msgspec


class ConfigOption(msgspec.Struct, kw_only=True):
    """One key, all in text. `type` is bool, integer or string, `liveupdate` yes or no.

    `kind` and `only` are ours: what sort of text it is (size, expiry, schedule, keep, …), and "holdfast" for a key
    that LXD doesn't know.
    """

    type: str
    shortdesc: str
    longdesc: str
    defaultdesc: str
    liveupdate: str
    scope: str
    kind: str
    only: str


class ConfigGroup(msgspec.Struct, kw_only=True):
    """Each of the keys is a map of one name to what is told of it."""

    keys: list[dict[str, ConfigOption]]


class ConfigMetadata(msgspec.Struct, kw_only=True):
    """By what is configured ("instance", "server", "storage-btrfs", …), then by group of keys."""

    configs: dict[str, dict[str, ConfigGroup]]
